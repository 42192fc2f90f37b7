import { eventLine } from '../hardware/events/eventText';
import { recordOfJson } from '../hardware/events/recordOfJson';
import type { TraceLine } from '../engine/run/run';
import type { Paint } from '../adapter/tones';

/** What numbers in events stand for; a recorded trace has no sources. */
export interface TraceSources {
  /** `FILE:LINE:COL: text` of a statement. */
  statement(index: number): string | undefined;
  /** A line of a listing, numbered from 1. */
  listing(listing: number, line: number): string | undefined;
}

export interface TraceForm {
  readonly json?: true;
  /** Sums by kind, in place of the events. */
  readonly count?: true;
  /** The most events that are given. */
  readonly limit?: number;
}

/**
 * Writes events: as they are (`json`), or one a line below the statement that they belong to, with `step.event`, actor,
 * kind and sentence. Events may be noticed without being printed: so it knows the statement.
 */
export class TracePrinter {
  private readonly counts = new Map<string, number>();
  private printed = 0;
  /** Statement that each CPU runs, and the one whose heading stands above. */
  private readonly statements = new Map<number, number>();
  private heading = '';
  private sources: TraceSources = { statement: () => undefined, listing: () => undefined };

  constructor(private readonly write: (line: string) => void, private readonly form: TraceForm, private readonly paint: Paint) {}

  showSources(sources: TraceSources): void {
    this.sources = sources;
  }

  /** True when nothing more will be printed. */
  get isFull(): boolean {
    return this.printed >= (this.form.limit ?? Infinity);
  }

  /** Sees every event, also those that are not wanted. */
  notice({ kind, cpu, index }: TraceLine): void {
    if (kind === 'statement') this.statements.set(Number(cpu), Number(index));
  }

  print(event: TraceLine): void {
    if (this.isFull) return;
    this.printed++;
    const kind = String(event['kind']);
    if (this.form.count === true) this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    else if (this.form.json === true) this.write(JSON.stringify(event));
    else this.printText(event, kind);
  }

  /** What is only known at the end: the sums. */
  end(): void {
    if (this.form.count !== true) return;
    const sorted = [...this.counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    if (this.form.json === true) {
      this.write(JSON.stringify(Object.fromEntries(sorted)));
      return;
    }
    const width = Math.max(0, ...sorted.map(([, count]) => String(count).length));
    for (const [kind, count] of sorted) this.write(`${String(count).padStart(width)}  ${kind}`);
  }

  private printText(event: TraceLine, kind: string): void {
    const { paint } = this;
    const heading = this.headingFor(Number(event['cpu']));
    if (heading !== this.heading) this.write(paint('heading', heading));
    this.heading = heading;
    if (kind === 'statement') return;
    const moment = `${event['step'] ?? ''}.${event['event'] ?? ''}`;
    const cpu = this.statements.size > 1 ? `cpu ${event['cpu'] ?? ''}  ` : '';
    const actor = String(event['actor']).padEnd(6);
    this.write(`  ${paint('quiet', moment.padStart(10))}  ${cpu}${actor}  ${kind.padEnd(KIND_WIDTH)} ${this.sentence(event, kind)}`);
  }

  private headingFor(cpu: number): string {
    const statement = this.statements.get(cpu);
    if (statement === undefined) return 'boot';
    return this.sources.statement(statement) ?? `statement ${statement}`;
  }

  private sentence(event: TraceLine, kind: string): string {
    const listed = kind === 'listing_line' ? this.sources.listing(Number(event['listing']), Number(event['line'])) : undefined;
    if (listed !== undefined) return `line ${event['line'] ?? ''}: ${listed.trim()}`;
    const record = recordOfJson(event);
    return record === undefined ? JSON.stringify(event) : eventLine(record);
  }
}

/** Wide enough for most kinds. */
const KIND_WIDTH = 20;
