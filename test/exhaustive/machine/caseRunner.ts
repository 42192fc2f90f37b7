import { walk } from '../../../src/hardware/paging/walk';
import { EFFECTS, walkOutcomeNames } from '../../../src/hardware/paging/walkOutcome';
import type { WalkResult } from '../../../src/hardware/paging/walkResult';
import { COUNTER } from '../../../src/hardware/state/counters';
import type { Controls } from '../oracle/accessRights';
import { EptTables, NptTables, type NestedTables } from '../oracle/nestedDimension';
import { Journey, type Tables } from '../oracle/journey';
import type { Verdict } from '../oracle/verdict';
import type { CodedAccess } from './accesses';
import { describeCase } from './describeCase';
import { allOff, featuresOf, Hardware } from './hardware';
import { Score } from './score';
import { TableLayout, type Contexts, type NestedSlot, type Shape } from './tableLayout';

/** Every so many cases the same walk is made without effects first, which must say the same and change nothing. */
const INSPECT_EVERY = 16;
/** Of so many cases these are walked by the generic walk where there is a generated one: no divisor of how many accesses there are. */
const TURNS = 7;
const GENERIC_TURNS = 3;
const HIGH = 2 ** 32;
const EXAMPLES = 5;

export interface RunnerOptions {
  /** Run every so-many-th case only; 1: all of them. */
  readonly stride: number;
  /** Left out: on to the end. */
  readonly until?: 'the first difference';
}

/** Ends a product that is to end at its first difference. */
class FirstDifference extends Error {}

/** Runs cases over one layout: the same access by the walk and by the oracle, compared in everything. */
export class CaseRunner {
  readonly layout: TableLayout;
  readonly score = new Score();
  readonly hardware: Hardware;
  private readonly journey = new Journey<NestedSlot>();
  private controls = allOff;
  private tables: Tables<NestedSlot>;
  private countdown = 1;
  private untilInspection = 1;
  private turn = 0;

  constructor(readonly shape: Shape, private readonly options: RunnerOptions) {
    this.layout = new TableLayout(shape, this.contextsOf(allOff, allOff));
    this.hardware = new Hardware(this.layout);
    this.tables = this.tablesWith(undefined);
  }

  /** Registers for the cases that follow; every entry is permissive again. `host`: of an AMD host. `eptFlags`: EPTP bit 6. */
  use(controls: Controls, host: Controls = allOff, eptFlags: 'on' | 'off' = 'off'): void {
    const { nested, paging } = this.shape;
    this.controls = controls;
    this.layout.reopen(this.contextsOf(controls, host));
    this.layout.place();
    this.hardware.use(controls, host, eptFlags);
    this.tables = this.tablesWith(nested === undefined ? undefined
      : nested.kind === 'EPT' ? new EptTables(eptFlags, this.shape.modeBasedExecute === true, featuresOf(this.shape).advancedInformation) : new NptTables(host, nested.paging !== '32-bit'));
    if (paging === 'none' && nested === undefined) throw new Error('there is nothing to walk');
  }

  /** Is the next case one of those to run? Ask before the entries are written. */
  isDue(): boolean {
    if (--this.countdown > 0) return false;
    this.countdown = this.options.stride;
    return true;
  }

  /** Makes the access by the walk, and judges it. */
  run(access: CodedAccess): void {
    const { score, layout } = this;
    const { space } = this.hardware.processor;
    const { linearLo: lo, linearHi: hi } = layout;
    if (--this.untilInspection === 0) this.inspect(access);
    const verdict = this.journey.judge(this.tables, access, this.controls);
    const { counters } = this.hardware.processor;
    const readBefore = counters[COUNTER.walk_references]!;
    const { specialized } = space;
    this.turn = this.turn === TURNS ? 1 : this.turn + 1;
    if (this.turn <= GENERIC_TURNS) space.specialized = 0;
    walk(space, lo, hi, access.code, EFFECTS.hardware);
    space.specialized = specialized;
    const readAfter = counters[COUNTER.walk_references]!;
    let difference = this.differenceOf(verdict, space.result);
    if (difference === '' && readAfter - readBefore !== verdict.references) difference = `counted ${readAfter - readBefore} references`;
    for (const slot of layout.slots) {
      const left = slot.store[slot.at]!;
      if ((left & slot.must) !== slot.must || ((left ^ slot.lo) & ~slot.may) !== 0) {
        difference += `${slot.structure.name} at 0x${slot.hpa.toString(16)} is left as 0x${(left >>> 0).toString(16)}; `;
      }
      if (left !== slot.lo) slot.write();
    }
    score.judged++;
    score.outcomes.set(verdict.outcome, (score.outcomes.get(verdict.outcome) ?? 0) + 1);
    if (difference !== '') this.tell(access, verdict, difference);
  }

  /** Inspection finds the same and leaves no trace. */
  private inspect(access: CodedAccess): void {
    this.untilInspection = INSPECT_EVERY;
    const { score, layout } = this;
    const { space, counters } = this.hardware.processor;
    const readBefore = counters[COUNTER.walk_references]!;
    const verdict = this.journey.judge(this.tables, access, this.controls);
    walk(space, layout.linearLo, layout.linearHi, access.code, EFFECTS.none);
    const isTouched = layout.slots.some((slot) => slot.store[slot.at] !== slot.lo);
    if (isTouched || counters[COUNTER.walk_references] !== readBefore) this.tell(access, verdict, 'an inspection left a trace');
    // Inspection sets no flag: it neither is refused for one nor leaves the page dirty.
    if (verdict.outcome === 'mapped' && space.result.outcome !== 0) this.tell(access, verdict, 'an inspection is refused');
    score.inspected++;
  }

  private tell(access: CodedAccess, verdict: Verdict, difference: string): void {
    const { score, layout } = this;
    score.differing++;
    if (this.options.until !== undefined) throw new FirstDifference(difference);
    if (score.examples.length >= EXAMPLES) return;
    score.examples.push(`${describeCase(layout, access, this.controls, verdict)}: ${difference}`);
  }

  private differenceOf(verdict: Verdict, result: WalkResult): string {
    const outcome = walkOutcomeNames[result.outcome]!;
    if (outcome !== verdict.outcome) return `${outcome}; `;
    if (result.level !== verdict.level) return `level ${result.level}; `;
    if (result.references !== verdict.references) return `${result.references} references; `;
    if (verdict.outcome !== 'mapped' && verdict.outcome !== 'page fault' && this.hardware.processor.space.nested?.result.level !== verdict.nestedLevel) {
      return `nested level ${String(this.hardware.processor.space.nested?.result.level)}; `;
    }
    switch (verdict.outcome) {
      case 'mapped': return this.differenceOfTranslation(verdict, result);
      case 'page fault': return result.errorCode === verdict.errorCode ? '' : `error code 0x${result.errorCode.toString(16)}; `;
      case 'EPT misconfiguration': return addressOf(result.gpaLo, result.gpaHi) === verdict.gpa ? '' : 'another guest-physical address; ';
      case 'EPT violation':
      case 'nested page fault':
        if (addressOf(result.gpaLo, result.gpaHi) !== verdict.gpa) return 'another guest-physical address; ';
        if (verdict.outcome === 'EPT violation' && (result.convertible !== 0) !== verdict.convertible) return `convertible ${result.convertible}; `;
        if (result.qualification === verdict.qualification && isSameHigh(verdict, result)) return '';
        return `qualification 0x${result.qualificationHi.toString(16)}:${result.qualification.toString(16)}; `;
    }
  }

  private differenceOfTranslation(verdict: Verdict, result: WalkResult): string {
    if (addressOf(result.gpaLo, result.gpaHi) !== verdict.gpa) return `gpa 0x${addressOf(result.gpaLo, result.gpaHi).toString(16)}; `;
    if (addressOf(result.hpaLo, result.hpaHi) !== verdict.hpa) return `hpa 0x${addressOf(result.hpaLo, result.hpaHi).toString(16)}; `;
    if (result.pageShift !== verdict.sizeBits) return `page shift ${result.pageShift}; `;
    if (result.effectiveShift !== verdict.effectiveSizeBits) return `effective page shift ${result.effectiveShift}; `;
    if ((result.global !== 0) !== verdict.global) return `global ${result.global}; `;
    if (result.key !== verdict.key) return `key ${result.key}; `;
    if ((result.dirty !== 0) !== verdict.dirty) return `dirty ${result.dirty}; `;
    return '';
  }

  private contextsOf(controls: Controls, host: Controls): Contexts {
    const { maxphyaddr, modeBasedExecute = false } = this.shape;
    const shared = { maxphyaddr, modeBasedExecute, features: featuresOf(this.shape) };
    return { linear: { ...shared, nxe: controls.nxe, pse: controls.pse }, nested: { ...shared, nxe: host.nxe, pse: host.pse } };
  }

  private tablesWith(nested: NestedTables<NestedSlot> | undefined): Tables<NestedSlot> {
    const { linear, paths, linearLo } = this.layout;
    const { paging } = this.shape;
    const shared = { linear, address: linearLo, pae: paging !== '32-bit' && paging !== 'none' };
    return nested === undefined ? shared : { ...shared, nested: { tables: nested, paths } };
  }
}

/** The high half belongs to EXITINFO1 only. */
function isSameHigh(verdict: Verdict, result: WalkResult): boolean {
  return verdict.outcome === 'EPT violation' || result.qualificationHi === verdict.qualificationHigh;
}

function addressOf(lo: number, hi: number): number {
  return hi * HIGH + (lo >>> 0);
}
