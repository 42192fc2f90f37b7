import { KIND, KIND_AT, field } from '../hardware/eventTable';
import type { EventBreakpoint, ListingBreakpoint, StatementBreakpoint, Stop } from './debuggee';
import type { Machine } from './machine';
import { evaluate } from './watch';
import type { Fragment } from '../language/program';

type Hit = EventBreakpoint['hit'];

/** What armed breakpoints say of an event or a statement. */
export interface Verdict {
  readonly ids: readonly number[];
  /** A condition that could not be judged, as a sentence. */
  readonly error?: string;
}

/**
 * The breakpoints of a session. Conditions look at the machine as it stands and touch nothing. Hits
 * are counted as the run goes forward; a search backward judges conditions but counts no hits.
 */
export class Breakpoints {
  private statements: readonly StatementBreakpoint[] = [];
  private events: readonly EventBreakpoint[] = [];
  private hits = new Map<number, number>();

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

  /** Counts a hit of each of these, and keeps those whose hit condition is met; undefined when none is. */
  countHits(verdict: Verdict): Verdict | undefined {
    if (verdict.error !== undefined) return verdict;
    const ids = verdict.ids.filter((id) => {
      const count = (this.hits.get(id) ?? 0) + 1;
      this.hits.set(id, count);
      return meets(this.hitOf(id), count);
    });
    return ids.length === 0 ? undefined : { ids };
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
      const judged = evaluate(this.machine, condition, cpu, depth, record);
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

function meets(hit: Hit, count: number): boolean {
  if (hit === undefined) return true;
  switch (hit.operator) {
    case '==': return count === hit.count;
    case '>=': return count >= hit.count;
    case '%': return count % hit.count === 0;
  }
}
