import { KIND, KIND_AT, field } from '../../hardware/events/eventTable';
import { entryName } from '../../hardware/events/eventText';
import { exitReasonOf } from '../../hardware/vmx/exitReasons';
import type { Again } from './again';
import type { StepTarget } from '../debuggee';
import type { Replay } from './replay';
import { RUN } from '../interpreter/runState';
import { describeFrame, foldFrames, type FrameNames } from './stepFrames';

/** How far ahead is looked for the end of a statement, and how many targets are worth a menu. */
const MOST_STEPS = 20_000;
const MOST_TARGETS = 40;

/**
 * What the coming statement of `cpu` can be stepped into, or the coming line of a listing or reference of a walk where one is
 * stood at: procedures and handlers, walks and nested walks, procedures of listings. Known by having it run once, aside.
 */
export function stepTargets(replay: Replay, cpu: number): readonly StepTarget[] {
  if (replay.isOver()) return [];
  const from = replay.event;
  if (from > 0 && cpu !== replay.cpu) return [];
  return replay.aside(undefined, (again) => {
    const look = new LookAhead(again, cpu);
    if (from > 0) return look.within(replay.eventsOfStep(), from);
    return look.throughStatement();
  }).map(numbered);
}

/** What comes more than once is told apart: `walk: guest tables (2)`. */
function numbered({ label, moment }: StepTarget, index: number, all: readonly StepTarget[]): StepTarget {
  const before = all.slice(0, index).filter((other) => other.label === label).length;
  return { label: before === 0 ? label : `${label} (${before + 1})`, moment };
}

class LookAhead {
  private readonly found: StepTarget[] = [];

  constructor(private readonly again: Again, private readonly cpu: number) {}

  /** From inside a step on: of its open frame what comes before the next line or reference, or the frame's end. */
  within(before: readonly Int32Array[], from: number): readonly StepTarget[] {
    const open = foldFrames(before);
    const top = open[open.length - 1];
    const listings = open.filter(({ kind }) => kind === 'listing').length;
    const { step } = this.again;
    const records = [...before];
    let isOver = false;
    let event = 0;
    this.again.executeListening((record) => {
      event++;
      if (event <= from || isOver) return;
      records.push(record.slice());
      const depth = foldFrames(records).length;
      const isNext = record[KIND_AT] === KIND.listing_line ? top?.kind === 'listing' : record[KIND_AT] === KIND.table_read && top?.kind === 'walk';
      isOver = depth < open.length || (isNext && depth === open.length);
      if (!isOver) this.note(records, step, event, listings);
    });
    return this.found;
  }

  /** From between steps on: all that the statement ahead does itself. */
  throughStatement(): readonly StepTarget[] {
    const { again, cpu, again: { machine: { interpreter } } } = this;
    const stack = interpreter.stacks[cpu]!;
    const { depth } = stack;
    let hasBegun = false;
    for (let steps = 0; steps < MOST_STEPS && !again.isOver && this.found.length < MOST_TARGETS; steps++) {
      const isOwn = again.actor === cpu;
      if (hasBegun && interpreter.scheduler.previous === cpu && interpreter.isAtStatement(cpu) && stack.depth <= depth) break;
      if (!isOwn || stack.depth !== depth) {
        again.execute();
        continue;
      }
      hasBegun = true;
      const records: Int32Array[] = [];
      const { step } = again;
      again.executeListening((record) => {
        records.push(record.slice());
        this.note(records, step, records.length, 0);
      });
      if (stack.depth > depth) this.noteCall();
    }
    return this.found;
  }

  /** The procedure or handler that has just been entered: to its first statement. */
  private noteCall(): void {
    const { again, cpu, again: { machine: { interpreter, program } } } = this;
    const frame = interpreter.stacks[cpu]!.frames()[0]!;
    const { name, kind } = program.procedures[frame.procedure]!;
    for (let steps = 0; steps < MOST_STEPS && !again.isOver && !(again.actor === cpu && interpreter.isAtStatement(cpu)); steps++) again.execute();
    if (interpreter.run.status !== RUN.running) return;
    const text = name === '' ? kind : name;
    this.found.push({ label: frame.isHandler ? `handler ${text}` : `procedure ${text}`, moment: { step: again.step, event: 0 } });
  }

  /** Looks at the newest event of a step: whether it opens something, in no other listing than the `listings` that were open. */
  private note(records: readonly Int32Array[], step: number, event: number, listings: number): void {
    const record = records[records.length - 1]!;
    const kind = record[KIND_AT]!;
    if (kind !== KIND.walk && kind !== KIND.listing_line) return;
    const open = foldFrames(records);
    const isNested = open.filter((frame) => frame.kind === 'listing').length > listings + (kind === KIND.walk ? 0 : 1);
    const frame = open[open.length - 1];
    if (frame === undefined || isNested) return;
    // A procedure of a listing is entered at its first line, and what it is about is in its frame by then.
    const isEntered = kind === KIND.walk || records[records.length - 2]?.[KIND_AT] === KIND.listing_call;
    if (!isEntered) return;
    const described = describeFrame(frame, this.cpu, this.names);
    const label = described.kind === 'listing' ? `${described.procedure}${this.aboutExit(records)}` : described.kind === 'walk' ? described.text : undefined;
    if (label !== undefined && this.found.length < MOST_TARGETS) this.found.push({ label, moment: { step, event } });
  }

  /** ` (EPT violation)` of the procedure that a VM exit begins with. */
  private aboutExit(records: readonly Int32Array[]): string {
    const exit = records[records.length - 3];
    const reason = exit?.[KIND_AT] === KIND.vm_exit ? exitReasonOf(exit[field.reason.at]!)?.name : undefined;
    return reason === undefined ? '' : ` (${reason})`;
  }

  private get names(): FrameNames {
    const { machine } = this.again;
    return {
      program: machine.program, statement: -1, levelName: (space, level) => entryName(space, level) ?? `level ${level}`,
      listing: (number) => machine.listing(number),
    };
  }
}
