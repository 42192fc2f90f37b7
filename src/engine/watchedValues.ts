import { pairToBigInt } from './arithmetic';
import type { ChangeBreakpoint, ValueChange } from './debuggee';
import type { Machine } from './machine';
import { evaluate, type Watched } from './watch';

/**
 * Values that are watched for a change: registers, VMCS fields and whatever else an expression tells of. No instruction tells
 * of each of them as it is written (a VM entry loads a dozen at once), so they are compared over a step.
 */
export class WatchedValues {
  private breakpoints: readonly ChangeBreakpoint[] = [];
  private before: readonly Watched[] = [];
  /** Step at whose start the values are those of `before`; -1: none. */
  private at = -1;

  constructor(private readonly machine: Machine) {}

  watch(breakpoints: readonly ChangeBreakpoint[]): void {
    this.breakpoints = breakpoints;
    this.forget();
  }

  forget(): void {
    this.at = -1;
  }

  /** `step` is about to run. */
  beginStep(step: number): void {
    if (this.at === step) return;
    this.before = this.look();
    this.at = step;
  }

  /** It has run: what it changed. */
  endStep(): readonly { readonly breakpoint: ChangeBreakpoint; readonly change: ValueChange }[] {
    const after = this.look();
    const { before } = this;
    this.before = after;
    this.at++;
    return this.breakpoints.flatMap((breakpoint, i) => {
      const old = before[i]!;
      const now = after[i]!;
      if ('error' in old || 'error' in now || old.value === now.value) return [];
      return [{ breakpoint, change: { text: breakpoint.text, cpu: breakpoint.cpu, old: old.value, value: now.value, type: now.type } }];
    });
  }

  private look(): readonly Watched[] {
    return this.breakpoints.map((breakpoint) => this.valueOf(breakpoint));
  }

  private valueOf({ of, cpu }: ChangeBreakpoint): Watched {
    if (of.kind === 'expression') return evaluate(this.machine, of.fragment, cpu, 0);
    const words = this.machine.processors[cpu]?.[of.block];
    if (words === undefined) return { error: 'a host thread has no control block' };
    return { value: pairToBigInt(words[of.at]!, words[of.at + 1]!), type: 'number' };
  }
}
