import { KIND, KIND_AT, field } from '../hardware/events/eventTable';
import type { EventBreakpoint, ListingBreakpoint, StatementBreakpoint, Stop } from './debuggee';
import type { Machine } from './machine';
import { evaluate } from './watch';
import type { Fragment } from '../language/program';

type Hit = EventBreakpoint['hit'];

/** More than one step can hit a breakpoint: a step and an ordinal make one number. */
const HITS_IN_STEP = 65_536;

/** What armed breakpoints say of an event or a statement. */
export interface Verdict {
  readonly ids: readonly number[];
  /** A condition that could not be judged, as a sentence. */
  readonly error?: string;
}

/**
 * The breakpoints of a session. Conditions look at the machine as it stands and touch nothing. Hits
 * are counted by the moments at which they happen, so their numbers are the same whichever way time runs.
 */
export class Breakpoints {
  private statements: readonly StatementBreakpoint[] = [];
  private events: readonly EventBreakpoint[] = [];
  /** Moments at which each breakpoint was hit, ascending. */
  private hits = new Map<number, number[]>();
  /** Hits of each breakpoint in the step that is passed through. */
  private readonly ordinals = new Map<number, number>();

  constructor(private readonly machine: Machine) {}

  setStatements(breakpoints: readonly StatementBreakpoint[]): void {
    this.statements = breakpoints;
    this.forgetHits();
  }

  setEvents(breakpoints: readonly EventBreakpoint[], listings: readonly ListingBreakpoint[]): void {
    this.events = [...breakpoints, ...listings.map((breakpoint) => this.onListingLine(breakpoint))];
    this.forgetHits();
  }

  /** Kinds of event that some breakpoint wants. */
  get kinds(): ReadonlySet<number> {
    return new Set(this.events.flatMap((breakpoint) => breakpoint.kinds));
  }

  get wantsStatements(): boolean {
    return this.statements.length > 0;
  }

  /** Breakpoints that match this event with their conditions, hits aside; undefined when none does. */
  matchEvent(record: Int32Array, cpu: number): Verdict | undefined {
    return this.collect(
      this.events.filter((breakpoint) => breakpoint.kinds.includes(record[KIND_AT]!) && breakpoint.matches(record)), cpu, record,
    );
  }

  /** The same for the statement that is about to run. */
  matchStatement(statement: number, cpu: number): Verdict | undefined {
    return this.collect(this.statements.filter((breakpoint) => breakpoint.statement === statement), cpu, undefined);
  }

  /** A pass through a step begins: hits in it are numbered from 1. */
  beginStep(): void {
    this.ordinals.clear();
  }

  /**
   * Takes note that each of these was hit in `step`, and keeps those whose hit condition is met there;
   * undefined when none is. A hit is counted by its moment, so passing it again counts nothing.
   */
  countHits(verdict: Verdict, step: number): Verdict | undefined {
    return this.keep(verdict, (id) => {
      const moments = this.hits.get(id) ?? [];
      const moment = this.momentOfHit(id, step);
      const at = placeOf(moments, moment);
      if (moments[at] !== moment) moments.splice(at, 0, moment);
      this.hits.set(id, moments);
      return at + 1;
    });
  }

  /** Takes note of hits as `countHits` does. Gives those that had not been counted, and whose hit condition is met. */
  countNewHits({ ids }: Verdict, step: number): readonly number[] {
    return ids.filter((id) => {
      const before = this.hits.get(id)?.length ?? 0;
      const isMet = this.countHits({ ids: [id] }, step) !== undefined;
      return isMet && this.hits.get(id)!.length > before;
    });
  }

  /** The same for a pass that only looks: a hit that was never counted meets no hit condition. */
  recallHits(verdict: Verdict, step: number): Verdict | undefined {
    return this.keep(verdict, (id) => {
      const moments = this.hits.get(id) ?? [];
      const moment = this.momentOfHit(id, step);
      const at = placeOf(moments, moment);
      return moments[at] === moment ? at + 1 : 0;
    });
  }

  private keep(verdict: Verdict, countOf: (id: number) => number): Verdict | undefined {
    if (verdict.error !== undefined) return verdict;
    const ids = verdict.ids.filter((id) => meets(this.hitOf(id), countOf(id)));
    return ids.length === 0 ? undefined : { ids };
  }

  private momentOfHit(id: number, step: number): number {
    const ordinal = (this.ordinals.get(id) ?? 0) + 1;
    this.ordinals.set(id, ordinal);
    return step * HITS_IN_STEP + ordinal;
  }

  private collect(
    candidates: readonly { readonly id: number; readonly condition?: Fragment }[], cpu: number, record: Int32Array | undefined,
  ): Verdict | undefined {
    const ids: number[] = [];
    for (const { id, condition } of candidates) {
      if (condition === undefined) {
        ids.push(id);
        continue;
      }
      const depth = this.machine.interpreter.stacks[cpu]!.depth;
      const judged = evaluate(this.machine, condition, cpu, depth, { record });
      if ('error' in judged) return { ids: [id], error: judged.error };
      if (judged.value !== 0n) ids.push(id);
    }
    return ids.length === 0 ? undefined : { ids };
  }

  private onListingLine({ id, listing, line, condition }: ListingBreakpoint): EventBreakpoint {
    return {
      id,
      kinds: [KIND.listing_line],
      matches: (record) => record[field.line.at] === line && this.machine.listing(record[field.listing.at]!)?.name === listing,
      ...(condition === undefined ? {} : { condition }),
    };
  }

  private hitOf(id: number): Hit {
    return [...this.statements, ...this.events].find((breakpoint) => breakpoint.id === id)?.hit;
  }

  /** A changed set starts its counts anew, but for those that are still there. */
  private forgetHits(): void {
    const known = new Set([...this.statements, ...this.events].map((breakpoint) => breakpoint.id));
    this.hits = new Map([...this.hits].filter(([id]) => known.has(id)));
  }
}

/** The stop that a verdict on a statement is. */
export function statementStop(verdict: Verdict): Stop {
  return verdict.error === undefined
    ? { kind: 'breakpoint', ids: verdict.ids }
    : { kind: 'condition-error', ids: verdict.ids, message: verdict.error };
}

/** Index of the first of `moments` that is not before `moment`. */
function placeOf(moments: readonly number[], moment: number): number {
  let low = 0;
  let high = moments.length;
  if (high > 0 && moments[high - 1]! < moment) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (moments[middle]! < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

function meets(hit: Hit, count: number): boolean {
  if (hit === undefined) return true;
  switch (hit.operator) {
    case '==': return count === hit.count;
    case '>=': return count >= hit.count;
    case '%': return count % hit.count === 0;
  }
}
