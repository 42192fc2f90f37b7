import { pairToBigInt } from '../arithmetic';
import type { ChangeBreakpoint, ValueChange } from '../debuggee';
import type { Machine } from '../machine/machine';
import { readHalves } from '../questions/watch';

/** Words that are kept of a value: its halves, and whether it has one. */
const WORDS = 3;
const IS_KNOWN = 2;

interface Changed {
  readonly breakpoint: ChangeBreakpoint;
  readonly change: ValueChange;
}

const NONE: readonly Changed[] = [];

/**
 * Values that are watched for a change: registers, VMCS fields and whatever else an expression tells of. No instruction tells
 * of each of them as it is written (a VM entry loads a dozen at once), so they are compared over a step.
 */
export class WatchedValues {
  private breakpoints: readonly ChangeBreakpoint[] = [];
  private before = new Int32Array(0);
  private after = new Int32Array(0);
  /** Step at whose start the values are those of `before`; -1: none. */
  private at = -1;

  constructor(private readonly machine: Machine) {}

  watch(breakpoints: readonly ChangeBreakpoint[]): void {
    this.breakpoints = breakpoints;
    this.before = new Int32Array(WORDS * breakpoints.length);
    this.after = new Int32Array(WORDS * breakpoints.length);
    this.forget();
  }

  forget(): void {
    this.at = -1;
  }

  /** `step` is about to run. */
  beginStep(step: number): void {
    if (this.at === step) return;
    this.look(this.before);
    this.at = step;
  }

  /** It has run: what it changed. */
  endStep(): readonly Changed[] {
    const { before, after } = this;
    this.look(after);
    this.before = after;
    this.after = before;
    this.at++;
    let isSame = true;
    for (let i = 0; i < before.length; i++) if (before[i] !== after[i]) isSame = false;
    return isSame ? NONE : this.breakpoints.flatMap((breakpoint, i) => changeIn(breakpoint, before, after, WORDS * i));
  }

  private look(into: Int32Array): void {
    this.breakpoints.forEach((breakpoint, i) => {
      into[WORDS * i + IS_KNOWN] = this.read(breakpoint, into, WORDS * i) ? 1 : 0;
    });
  }

  private read({ of, cpu }: ChangeBreakpoint, into: Int32Array, at: number): boolean {
    if (of.kind === 'expression') return readHalves(this.machine, of.fragment, cpu, 0, into, at);
    const words = this.machine.processors[cpu]?.[of.block];
    if (words === undefined) return false;
    into[at] = words[of.at]!;
    into[at + 1] = words[of.at + 1]!;
    return true;
  }
}

/** A value that there was not before, or is not any more, has not changed: it cannot be read here. */
function changeIn(breakpoint: ChangeBreakpoint, before: Int32Array, after: Int32Array, at: number): readonly Changed[] {
  if (before[at + IS_KNOWN] === 0 || after[at + IS_KNOWN] === 0) return NONE;
  const old = pairToBigInt(before[at]!, before[at + 1]!);
  const value = pairToBigInt(after[at]!, after[at + 1]!);
  const { text, cpu, of } = breakpoint;
  return old === value ? NONE : [{ breakpoint, change: { text, cpu, old, value, type: of.kind === 'expression' ? of.fragment.type : 'number' } }];
}
