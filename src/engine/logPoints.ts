import { KIND, KIND_AT, field } from '../hardware/events/eventTable';
import type { Program, ValueType } from '../language/program';
import { Breakpoints } from './breakpoints';
import type { EventBreakpoint, LogPoint, OutputLine } from './debuggee';
import type { Machine } from './machine';
import { printValue } from './printValue';
import { evaluate } from './watch';

/**
 * Places of a run that say something as they are passed and stop nobody. A log point speaks once a moment, whichever way
 * time has run and however often a step is executed again: the moments at which it has spoken are known.
 */
export class LogPoints {
  /** Kinds of event that log points are at. */
  kinds: ReadonlySet<number> = new Set();
  private points: ReadonlyMap<number, LogPoint> = new Map();
  private readonly breakpoints: Breakpoints;

  constructor(private readonly machine: Machine, private readonly say: (line: OutputLine) => void) {
    this.breakpoints = new Breakpoints(machine);
  }

  /** Replaces all log points; those that were there before know where they have spoken. */
  set(points: readonly LogPoint[]): void {
    this.points = new Map(points.map((point) => [point.id, point]));
    const events = points.flatMap((point) => (point.at.kind === 'listing' ? [] : [onEvent(point)]));
    const listings = points.flatMap(({ id, at, condition }) => (
      at.kind === 'listing' ? [{ id, listing: at.listing, line: at.line, ...(condition === undefined ? {} : { condition }) }] : []
    ));
    this.breakpoints.setEvents(events, listings);
    this.kinds = this.breakpoints.kinds;
  }

  /** The way through a step begins, the first time or again. */
  beginStep(): void {
    if (this.points.size > 0) this.breakpoints.beginStep();
  }

  /** Looks at an event of `step`; each event of a step is to be told in order, from the step's start. */
  note(record: Int32Array, step: number, cpu: number): void {
    if (!this.kinds.has(record[KIND_AT]!)) return;
    const verdict = this.breakpoints.matchEvent(record, cpu);
    if (verdict === undefined) return;
    const { error } = verdict;
    for (const id of this.breakpoints.countNewHits(verdict, step)) {
      const point = this.points.get(id)!;
      this.say({ category: 'log', text: error === undefined ? this.textOf(point, record, cpu) : `The log point's condition has no value: ${error}`, ...this.placeOf(point, cpu) });
    }
  }

  private textOf({ message }: LogPoint, record: Int32Array, cpu: number): string {
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

/** A statement speaks at the event of its start: before it has done anything. */
function onEvent({ id, at, condition, hit }: LogPoint): EventBreakpoint {
  if (at.kind === 'listing') throw new Error('invariant: a line of a listing is armed as one');
  const restriction = { ...(condition === undefined ? {} : { condition }), ...(hit === undefined ? {} : { hit }) };
  if (at.kind === 'event') return { id, kinds: at.kinds, matches: at.matches, ...restriction };
  return { id, kinds: [KIND.statement], matches: (record) => record[field.index.at] === at.statement, ...restriction };
}

function valueText(value: bigint, type: ValueType, { processes }: Program): string {
  return (type === 'process' ? processes[Number(value)]?.name : undefined) ?? printValue(value, type);
}
