import { KIND, KIND_AT, field } from '../../hardware/events/eventTable';
import type { Program, ValueType } from '../../language/program';
import { Breakpoints, type Verdict } from './breakpoints';
import type { ChangeBreakpoint, EventBreakpoint, LogPoint, OutputLine } from '../debuggee';
import { HitCounts } from './hitCounts';
import type { Machine } from '../machine/machine';
import { printValue } from '../interpreter/printValue';
import { evaluate } from '../questions/watch';

/**
 * Places of a run that say something as they are passed and stop nobody. A log point speaks once a moment, whichever way time
 * has run and however often a step is executed again: the moments at which it has spoken are known. It speaks on the way
 * forward alone: what is executed to go back, or to look something up, is passed in silence.
 */
export class LogPoints {
  /** Kinds of event that log points are at. */
  kinds: ReadonlySet<number> = new Set();
  /** True on the way forward. */
  isSpeaking = false;
  /** What is at events and at changes of values, with the counts of those that have a hit condition. */
  readonly breakpoints: Breakpoints;
  private readonly spoken = new HitCounts();
  private points: ReadonlyMap<number, LogPoint> = new Map();

  constructor(private readonly machine: Machine, private readonly say: (line: OutputLine) => void) {
    this.breakpoints = new Breakpoints(machine);
  }

  /** Replaces all log points; those that were there before know where they have spoken. */
  set(points: readonly LogPoint[]): void {
    this.points = new Map(points.map((point) => [point.id, point]));
    this.spoken.keepOnly(new Set(this.points.keys()), 0);
    const { breakpoints } = this;
    const events = points.flatMap((point) => (point.at.kind === 'listing' || point.at.kind === 'change' ? [] : [onEvent(point, point.at)]));
    const listings = points.flatMap((point) => (
      point.at.kind === 'listing' ? [{ id: point.id, listing: point.at.listing, line: point.at.line, ...restriction(point) }] : []
    ));
    breakpoints.setEvents(events, listings);
    breakpoints.setChanges(points.flatMap((point) => (point.at.kind === 'change' ? [onChange(point, point.at)] : [])));
    this.kinds = breakpoints.kinds;
  }

  get watch(): Breakpoints['watch'] {
    return this.breakpoints.watch;
  }

  get isEmpty(): boolean {
    return this.points.size === 0;
  }

  /** The way through `step` begins, the first time or again. */
  beginStep(step: number): void {
    if (this.points.size === 0) return;
    this.breakpoints.beginStep(step);
    this.spoken.beginStep();
  }

  /** Looks at an event of `step`; each event of a step is to be told in order, from the step's start. */
  note(record: Int32Array, step: number, cpu: number): void {
    if (!this.kinds.has(record[KIND_AT]!)) return;
    this.tell(this.breakpoints.matchEvent(record, cpu), record, step, cpu);
  }

  /** `step`, which was of `cpu`, is over. */
  endStep(step: number, cpu: number): void {
    if (this.points.size > 0) this.tell(this.breakpoints.endStep(cpu), undefined, step, cpu);
  }

  /** What happens from the start of `step` on is no longer what it was: it is said anew. */
  forgetFrom(step: number): void {
    this.breakpoints.forgetFrom(step);
    this.spoken.forgetFrom(step);
  }

  private tell(verdict: Verdict | undefined, record: Int32Array | undefined, step: number, cpu: number): void {
    const met = verdict === undefined ? undefined : this.breakpoints.countHits(verdict, step);
    for (const id of this.isSpeaking ? met?.ids ?? [] : []) {
      const moments = this.spoken.size(id);
      this.spoken.note(id, step, 'inside');
      if (this.spoken.size(id) === moments) continue;
      const point = this.points.get(id)!;
      const text = met?.error === undefined ? this.textOf(point, met?.about ?? record, cpu) : `The log point's condition has no value: ${met.error}`;
      this.say({ category: 'log', text, ...this.placeOf(point, cpu) });
    }
  }

  private textOf({ message }: LogPoint, record: Int32Array | undefined, cpu: number): string {
    const depth = this.machine.interpreter.stacks[cpu]!.depth;
    return message.map((part) => {
      if (typeof part === 'string') return part;
      const seen = evaluate(this.machine, part, cpu, depth, { record });
      return 'error' in seen ? `{${seen.error}}` : valueText(seen.value, seen.type, this.machine.program);
    }).join('');
  }

  /** Where it speaks: its line of a listing, else the statement that runs. */
  private placeOf({ at }: LogPoint, cpu: number): Pick<OutputLine, 'path' | 'line'> {
    if (at.kind === 'listing') return { path: at.listing, line: at.line };
    const { program, interpreter } = this.machine;
    const number = at.kind === 'statement' ? at.statement : interpreter.stacks[cpu]!.statement;
    const { range } = program.statements[number]!;
    return { path: program.files[range.file]!.path, line: range.line + 1 };
  }
}

function restriction({ condition, hit }: LogPoint): Pick<LogPoint, 'condition' | 'hit'> {
  return { ...(condition === undefined ? {} : { condition }), ...(hit === undefined ? {} : { hit }) };
}

/** A statement speaks at the event of its start: before it has done anything. */
function onEvent(point: LogPoint, at: Extract<LogPoint['at'], { readonly kind: 'statement' | 'event' }>): EventBreakpoint {
  const common = { id: point.id, ...restriction(point) };
  if (at.kind === 'statement') return { ...common, kinds: [KIND.statement], statement: at.statement, matches: (record) => record[field.index.at] === at.statement };
  const { kinds, matches, bytes, until } = at;
  return { ...common, kinds, matches, ...(bytes === undefined ? {} : { bytes }), ...(until === undefined ? {} : { until }) };
}

function onChange(point: LogPoint, at: Extract<LogPoint['at'], { readonly kind: 'change' }>): ChangeBreakpoint {
  return { id: point.id, text: at.text, cpu: at.cpu, of: at.of, ...restriction(point) };
}

function valueText(value: bigint, type: ValueType, { processes }: Program): string {
  return (type === 'process' ? processes[Number(value)]?.name : undefined) ?? printValue(value, type);
}
