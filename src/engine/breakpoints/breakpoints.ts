import { CPU_AT, KIND, KIND_AT, eventKinds, field } from '../../hardware/events/eventTable';
import type { Fragment } from '../../language/program';
import type { ChangeBreakpoint, EventBreakpoint, ListingBreakpoint, StatementBreakpoint, ValueChange } from '../debuggee';
import type { Errand } from '../time/errands';
import { HitCounts, meets, type Hit } from './hitCounts';
import type { StepSeen } from './lookedAtSteps';
import type { Machine } from '../machine/machine';
import { statementStarts } from '../interpreter/statementStarts';
import { SINGLE_STEP_KINDS } from '../straight/straightLine';
import { UNWATCHED, accessesWanted, type StraightWatch } from '../straight/straightWatch';
import { WatchedValues } from './watchedValues';
import { holds } from '../questions/watch';

/** What armed breakpoints say of an event, of a statement, or of a step's end. */
export interface Verdict {
  readonly ids: readonly number[];
  /** A condition that could not be judged, as a sentence. */
  readonly error?: string;
  /** The event whose handling is over here, when it is not the one that is looked at: a copy. */
  readonly about?: Int32Array;
  readonly change?: ValueChange;
}

/** An event that a breakpoint waits for the handling of. */
interface Waiting {
  readonly breakpoint: EventBreakpoint;
  readonly record: Int32Array;
}

const NONE: readonly EventBreakpoint[] = [];
const NO_IDS: readonly number[] = [];

/**
 * The breakpoints of a session. Conditions look at the machine as it stands and touch nothing. What each says hangs on the
 * step that is passed through and on nothing before it, so that every pass, forward or back, finds the same: a pass tells of a
 * step's beginning, of each event that is wanted, and of the step's end.
 */
export class Breakpoints {
  readonly hits = new HitCounts();
  private ownStatements: readonly StatementBreakpoint[] = [];
  private ownEvents: readonly EventBreakpoint[] = [];
  private errand: Errand | undefined;
  /** Those that are armed: the session's own, and an errand's. */
  private statements: readonly StatementBreakpoint[] = [];
  private events: readonly EventBreakpoint[] = [];
  private changes: readonly ChangeBreakpoint[] = [];
  /** By statement: a statement without breakpoint costs one look. */
  private atStatement: readonly (readonly StatementBreakpoint[] | undefined)[] = [];
  /** By instruction, of those inside statements. */
  private atInstruction: readonly (readonly StatementBreakpoint[] | undefined)[] = [];
  /** By event kind. */
  private atKind: readonly (readonly EventBreakpoint[])[] = eventKinds.map(() => NONE);
  /** Kinds of event that some breakpoint wants. */
  kinds: ReadonlySet<number> = new Set();
  /**
   * What a run has to mind that goes straight; undefined where every step has to be looked at: at the values that it changes,
   * or at the beginning of a statement, whichever it be.
   */
  watch: StraightWatch | undefined = UNWATCHED;
  private waiting: Waiting[] = [];
  /** Of those within one instruction: how many of their events have been in the step that is passed through. */
  private readonly ordinals = new Map<EventBreakpoint, number>();
  private isWithinSome = false;
  /** Instruction that the step executes which is passed through, where some are within one. */
  private executed = -1;
  private readonly values: WatchedValues;
  private begin = 0;

  constructor(private readonly machine: Machine) {
    this.values = new WatchedValues(machine);
  }

  setStatements(breakpoints: readonly StatementBreakpoint[]): void {
    this.ownStatements = breakpoints;
    this.arm();
  }

  setEvents(breakpoints: readonly EventBreakpoint[], listings: readonly ListingBreakpoint[]): void {
    this.ownEvents = [...breakpoints, ...listings.map((breakpoint) => this.onListingLine(breakpoint))];
    this.arm();
  }

  /** One more breakpoint, which a motion brings along until it is over (undefined). */
  bring(errand: Errand | undefined): void {
    this.errand = errand;
    this.arm();
  }

  private arm(): void {
    const { errand } = this;
    this.statements = errand === undefined ? this.ownStatements : [...this.ownStatements, ...errand.statements];
    this.events = errand === undefined
      ? this.ownEvents : [...this.ownEvents, ...errand.events, ...errand.listings.map((breakpoint) => this.onListingLine(breakpoint))];
    const at: StatementBreakpoint[][] = [];
    const inside: StatementBreakpoint[][] = [];
    for (const breakpoint of this.statements) {
      if (breakpoint.instruction === undefined) (at[breakpoint.statement] ??= []).push(breakpoint);
      else (inside[breakpoint.instruction] ??= []).push(breakpoint);
    }
    this.atStatement = at;
    this.atInstruction = inside;
    this.kinds = new Set(this.events.flatMap(({ kinds, until }) => [...kinds, ...until ?? []]));
    this.atKind = eventKinds.map((_, kind) => this.events.filter(({ kinds }) => kinds.includes(kind)));
    this.isWithinSome = this.events.some(({ within }) => within !== undefined);
    this.watch = this.watched();
    this.countThoseWithHits();
  }

  setChanges(breakpoints: readonly ChangeBreakpoint[]): void {
    this.changes = breakpoints;
    this.values.watch(breakpoints);
    this.watch = this.watched();
    this.countThoseWithHits();
  }

  /** The first step that history shows: hits are counted from there. */
  historyBegins(step: number): void {
    this.begin = step;
    this.hits.keepOnly(new Set(), step);
    this.countThoseWithHits();
  }

  /** What happens from the start of `step` on is no longer what it was. */
  forgetFrom(step: number): void {
    this.hits.forgetFrom(step);
    this.values.forget();
  }

  /** Whether something can stop at all. */
  get isEmpty(): boolean {
    return this.statements.length === 0 && this.events.length === 0 && this.changes.length === 0;
  }

  private watched(): StraightWatch | undefined {
    const { program } = this.machine;
    const everywhere = this.events.filter(({ within }) => within === undefined);
    if (this.changes.length > 0 || everywhere.some(isAtEveryStatement)) return undefined;
    const instructions = this.statements.flatMap(({ statement, instruction }) => instruction ?? statementStarts(program, statement));
    const within = this.events.flatMap((breakpoint) => breakpoint.within?.instruction ?? []);
    const begun = everywhere.flatMap(({ statement }) => (statement === undefined ? [] : statementStarts(program, statement)));
    return {
      instructions: new Set([...instructions, ...within, ...begun]),
      isHeard: [...this.kinds].some((kind) => kind !== KIND.statement && !SINGLE_STEP_KINDS.has(kind)),
      accesses: accessesWanted(everywhere),
    };
  }

  /** An event of the step that is passed through is waited for to be handled. */
  get isWaiting(): boolean {
    return this.waiting.length > 0;
  }

  /** A pass through `step` begins. What is within an instruction is told of steps alone that are seen from their start. */
  beginStep(step: number, seen: StepSeen = 'from its start'): void {
    this.hits.beginStep();
    if (this.waiting.length > 0) this.waiting = [];
    if (this.changes.length > 0) this.values.beginStep(step);
    if (!this.isWithinSome) return;
    const { interpreter } = this.machine;
    this.executed = seen === 'from its start' ? interpreter.stacks[interpreter.scheduler.current]!.pc : -1;
    this.ordinals.clear();
  }

  /**
   * Breakpoints that match this event with their conditions, hits aside; undefined when none does. One that waits for the
   * handling of an event matches where that is over, and is judged there: on what has become of the machine, and on that event.
   */
  matchEvent(record: Int32Array, cpu: number): Verdict | undefined {
    const over = this.waiting.length === 0 ? undefined : this.handled(record, cpu);
    const armed = this.atKind[record[KIND_AT]!]!;
    if (armed.length === 0) return over;
    let ids = NO_IDS as number[];
    for (const breakpoint of armed) {
      if (!breakpoint.matches(record) || !this.isPlaceOf(breakpoint)) continue;
      if (breakpoint.until !== undefined) {
        this.waiting.push({ breakpoint, record: record.slice() });
        continue;
      }
      const judged = this.judge(breakpoint.condition, cpu, record);
      if (typeof judged === 'string') return { ids: [breakpoint.id], error: judged };
      if (judged) ids = ids === NO_IDS ? [breakpoint.id] : [...ids, breakpoint.id];
    }
    return ids.length === 0 ? over : joined(over, { ids });
  }

  /** Of the statement, or the instruction inside one, that `cpu` is about to run at the start of `step`: as `matchEvent` and `countHits`. */
  countStatement(step: number, cpu: number): Verdict | undefined {
    const verdict = this.statementAhead(cpu);
    return verdict === undefined ? undefined : this.countHits(verdict, step, 'at its start');
  }

  /** The step of `cpu` is over: what was waited for is over with it, and what values have changed is known. */
  endStep(cpu: number): Verdict | undefined {
    const over = this.waiting.length === 0 ? undefined : this.verdictOn(this.waiting.splice(0), cpu);
    return this.changes.length === 0 ? over : joined(over, this.changed());
  }

  /**
   * Takes note that each of these was hit in `step`, and keeps those whose hit condition is met there; undefined when none is.
   * `where` 'at its start': by the statement that the step begins.
   */
  countHits(verdict: Verdict, step: number, where: 'at its start' | 'inside' = 'inside'): Verdict | undefined {
    if (verdict.error !== undefined) return verdict;
    const ids = verdict.ids.filter((id) => !this.hits.isCounted(id) || meets(this.hitOf(id), this.hits.note(id, step, where)));
    if (ids.length === verdict.ids.length) return verdict;
    return ids.length === 0 ? undefined : { ...verdict, ids };
  }

  private statementAhead(cpu: number): Verdict | undefined {
    const { interpreter } = this.machine;
    if (this.statements.length === 0) return undefined;
    const armed = interpreter.isAtStatement(cpu) ? this.atStatement[interpreter.statementAhead(cpu)] : this.atInstruction[interpreter.stacks[cpu]!.pc];
    if (armed === undefined) return undefined;
    const ids: number[] = [];
    for (const { id, actor = cpu, condition } of armed) {
      if (actor !== cpu) continue;
      const judged = this.judge(condition, cpu, undefined);
      if (typeof judged === 'string') return { ids: [id], error: judged };
      if (judged) ids.push(id);
    }
    return ids.length === 0 ? undefined : { ids };
  }

  /** Events whose handling this one ends on its CPU. */
  private handled(record: Int32Array, cpu: number): Verdict | undefined {
    const isOver = ({ breakpoint, record: event }: Waiting): boolean => (
      breakpoint.until!.includes(record[KIND_AT]!) && event[CPU_AT] === record[CPU_AT]
    );
    const over = this.waiting.filter(isOver);
    if (over.length === 0) return undefined;
    this.waiting = this.waiting.filter((each) => !over.includes(each));
    return this.verdictOn(over, cpu);
  }

  private verdictOn(over: readonly Waiting[], cpu: number): Verdict | undefined {
    const met: Waiting[] = [];
    for (const each of over) {
      const judged = this.judge(each.breakpoint.condition, cpu, each.record);
      if (typeof judged === 'string') return { ids: [each.breakpoint.id], error: judged };
      if (judged) met.push(each);
    }
    const last = met[met.length - 1];
    return last === undefined ? undefined : { ids: met.map(({ breakpoint }) => breakpoint.id), about: last.record };
  }

  private changed(): Verdict | undefined {
    const found = this.values.endStep();
    const ids: number[] = [];
    let last: ValueChange | undefined;
    for (const { breakpoint, change } of found) {
      const judged = this.judge(breakpoint.condition, breakpoint.cpu, undefined);
      if (typeof judged === 'string') return { ids: [breakpoint.id], error: judged };
      if (!judged) continue;
      ids.push(breakpoint.id);
      last = change;
    }
    return last === undefined ? undefined : { ids, change: last };
  }

  /** Counts an event that matches; whether it is the one of its step that is meant. */
  private isPlaceOf(breakpoint: EventBreakpoint): boolean {
    const { within } = breakpoint;
    if (within === undefined) return true;
    if (within.instruction !== this.executed) return false;
    const nth = (this.ordinals.get(breakpoint) ?? 0) + 1;
    this.ordinals.set(breakpoint, nth);
    return nth === within.nth;
  }

  private judge(condition: Fragment | undefined, cpu: number, record: Int32Array | undefined): boolean | string {
    return condition === undefined ? true : holds(this.machine, condition, cpu, record);
  }

  private onListingLine({ id, listing, line, condition, hit }: ListingBreakpoint): EventBreakpoint {
    return {
      id,
      kinds: [KIND.listing_line],
      matches: (record) => record[field.line.at] === line && this.machine.listing(record[field.listing.at]!)?.name === listing,
      ...(condition === undefined ? {} : { condition }),
      ...(hit === undefined ? {} : { hit }),
    };
  }

  private hitOf(id: number): Hit {
    return this.all.find((breakpoint) => breakpoint.id === id)?.hit;
  }

  private get all(): readonly { readonly id: number; readonly hit?: Hit }[] {
    return [...this.statements, ...this.events, ...this.changes];
  }

  private countThoseWithHits(): void {
    this.hits.keepOnly(new Set(this.all.flatMap(({ id, hit }) => (hit === undefined ? [] : [id]))), this.begin);
  }
}

/** What two verdicts of one moment come to. */
export function joined(first: Verdict | undefined, second: Verdict | undefined): Verdict | undefined {
  if (first === undefined || second?.error !== undefined) return second;
  if (second === undefined || first.error !== undefined) return first;
  return { ...second, ...first, ids: [...first.ids, ...second.ids] };
}

/** Straight code tells of no statement: those that are meant have to be known, so that it ends before them. */
function isAtEveryStatement({ kinds, until, statement }: EventBreakpoint): boolean {
  return until?.includes(KIND.statement) === true || (kinds.includes(KIND.statement) && statement === undefined);
}
