import { KIND, KIND_AT, SPACE, field } from '../../hardware/events/eventTable';
import { joined, type Breakpoints, type Verdict } from '../breakpoints/breakpoints';
import { LookedAtSteps } from '../breakpoints/lookedAtSteps';
import { spinText, waitText } from '../schedule/deadlock';
import type { Moment, Stop } from '../debuggee';
import { viewEvent } from '../eventView';
import type { HitCounting } from '../breakpoints/hitCounting';
import type { Machine } from '../machine/machine';
import { deathText, outcomeOf } from '../run/outcome';
import type { Replay } from './replay';
import { RoundWatch } from './roundWatch';
import { RUN } from '../interpreter/runState';
import { STRIDE } from '../slices';
import { NO_FLOOR, type StraightWatch } from '../straight/straightWatch';

/** A motion under way: yields now and then, and comes back with why it stopped. */
export type Moving = Generator<undefined, Stop>;

const STEP: Stop = { kind: 'step' };
const ENDED: Stop = { kind: 'ended' };
const INTO = new Set<number>([KIND.walk, KIND.tlb_hit, KIND.vm_exit]);

/** Where a motion ends: at a statement that `cpu` has come to in a frame at this depth or below; or before a step. */
type Arrival = { readonly cpu: number; readonly depth: number } | { readonly step: number } | { readonly left: number };

/** The ways to move forward through a run. Each begins wherever the moment is. */
export class ForwardMotions {
  /** The one actor that a motion has run, for whom it is told that others would have to go on. */
  alone: number | undefined;

  constructor(
    private readonly replay: Replay,
    private readonly breakpoints: Breakpoints,
    private readonly counting: HitCounting,
    private readonly isPauseAsked: () => boolean,
  ) {}

  /** To a breakpoint or the end. `first`: whether the statement at the present moment has been stopped at. */
  continue(first: 'seen' | 'not yet seen' = 'seen'): Moving {
    return this.run(undefined, undefined, undefined, first);
  }

  /** To the next statement of the running guest frame of `cpu`, or of one that called it; the others run as it is their turn. */
  over(cpu: number): Moving {
    return this.run({ cpu, depth: this.depthOf(cpu) });
  }

  /** Until the running procedure or handler of `cpu` has been left. */
  out(cpu: number): Moving {
    return this.run({ cpu, depth: this.depthOf(cpu) - 1 });
  }

  /** Into the procedure or handler that the statement of `cpu` runs; where there is none, into its walk or VM exit. */
  *in(cpu: number): Moving {
    const depth = this.depthOf(cpu);
    let walkedAt = -1;
    const stop = yield* this.run({ cpu, depth: Infinity }, INTO, (step) => {
      if (walkedAt < 0 && this.replay.cpu === cpu) walkedAt = step;
    });
    if (stop.kind !== 'step' || this.depthOf(cpu) > depth || walkedAt < 0) return stop;
    this.replay.goTo(walkedAt);
    this.replay.enter((record) => INTO.has(record[KIND_AT]!));
    return STEP;
  }

  /** To a moment ahead, or a breakpoint before it. */
  *to({ step, event }: Moment): Moving {
    const { replay } = this;
    if (step > replay.step) {
      const stop = yield* this.run({ step });
      if (stop.kind !== 'step' || replay.step !== step || event === 0) return stop;
    }
    return yield* this.within((_, at) => at === event);
  }

  /** To the next event, in this step or a later one. A statement's own event is the moment at which it starts. */
  *event(): Moving {
    const { replay } = this;
    const { machine, machine: { interpreter } } = replay;
    const from = replay.event;
    replay.leaveStep();
    if (replay.isOver()) return machine.interpreter.scheduler.isStuck ? endOf(machine) : ENDED;
    if (replay.enter((record, event) => event > from && !isStatementStart(record))) return STEP;
    for (let steps = 1; !replay.isOver(); steps++) {
      if (interpreter.isAtStatement(replay.cpu) || replay.enter((record) => !isStatementStart(record))) return STEP;
      if (steps % STRIDE === 0) yield undefined;
    }
    return endOf(replay.machine);
  }

  /** Within the step stood in, to the next event that `wanted` says; past the last one, to the end of the step. */
  *within(wanted: (record: Int32Array, event: number) => boolean, then: 'leave the statement' | 'stay there' = 'leave the statement'): Moving {
    const { replay, breakpoints } = this;
    const from = replay.event;
    yield undefined;
    replay.leaveStep();
    let found: Verdict | undefined;
    const { step, cpu } = replay;
    // A breakpoint that was set inside the step has been hit at its start too.
    breakpoints.countStatement(step, cpu);
    breakpoints.beginStep(step);
    const isInside = replay.enter((record, event) => {
      const verdict = breakpoints.matchEvent(record, replay.cpu);
      const hit = verdict === undefined ? undefined : breakpoints.countHits(verdict, step);
      if (event <= from) return false;
      found = hit;
      return found !== undefined || wanted(record, event);
    });
    if (isInside) return found === undefined ? STEP : this.eventStop(found);
    const verdict = breakpoints.endStep(cpu);
    const over = verdict === undefined ? undefined : breakpoints.countHits(verdict, step);
    this.counting.wentOver(step, step + 1);
    if (over !== undefined && !replay.isOver()) return this.boundaryStop(over);
    if (replay.isOver()) return endOf(replay.machine);
    return then === 'leave the statement' ? yield* this.leaveStatement() : STEP;
  }

  /** Runs to the end of the step stood in, and of what is left behind its statement. */
  finishStep(): Moving {
    return this.within(() => false);
  }

  /**
   * What is left behind a finished statement (back to CPL 0, marks for the next, a handler's IRET) belongs to no line: past it, or
   * to a breakpoint there. Where a handler or a procedure has been left, the statement that it returns to goes on, and its
   * accesses are still to come.
   */
  private *leaveStatement(): Moving {
    const arrival = { left: this.replay.machine.interpreter.scheduler.previous };
    return hasArrived(this.replay.machine, arrival) ? STEP : yield* this.run(arrival, undefined, undefined, 'not yet seen');
  }

  private depthOf(cpu: number): number {
    return this.replay.machine.interpreter.stacks[cpu]!.depth;
  }

  /**
   * Runs until the `arrival`, a breakpoint, a pause or the end. `watched` kinds are listened to besides,
   * and `note` told the step of each.
   */
  private *run(
    arrival: Arrival | undefined, watched: ReadonlySet<number> = new Set(), note: (step: number) => void = () => undefined,
    first: 'seen' | 'not yet seen' = 'seen',
  ): Moving {
    const { replay, breakpoints } = this;
    const { machine } = replay;
    let isFirst = replay.event === 0 && first === 'seen';
    if (replay.event > 0) {
      const stop = yield* this.within(() => false, 'stay there');
      if (stop.kind !== 'step' || replay.event > 0) return stop;
    }
    const wanted = breakpoints.kinds;
    const { logPoints } = replay;
    const isLooking = !breakpoints.isEmpty;
    const kinds = watched.size === 0 ? this.counting.kinds : new Set([...this.counting.kinds, ...watched]);
    const start = replay.step;
    const rounds = this.alone === undefined ? undefined : new RoundWatch(machine, this.alone);
    const watch = rounds === undefined && watched.size === 0 ? this.watchUpTo(arrival) : undefined;
    const until = arrival !== undefined && 'step' in arrival ? arrival.step : Infinity;
    const floor = arrival !== undefined && 'depth' in arrival ? arrival.depth : NO_FLOOR;
    let sinceYield = 0;
    let matches = 0;
    let hit: { readonly verdict: Verdict; readonly step: number; readonly nth: number } | undefined;
    /** What the step before has come to. */
    let over: Verdict | undefined;
    const steps = new LookedAtSteps(replay, watch, {
      beginStep: (step, seen) => {
        matches = 0;
        if (isLooking) breakpoints.beginStep(step, seen);
        logPoints?.beginStep(step);
      },
      noteEvent: (record, step, cpu) => {
        const kind = record[KIND_AT]!;
        if (watched.has(kind)) note(step);
        if (hit !== undefined) return true;
        logPoints?.note(record, step, cpu);
        const found = wanted.has(kind) ? breakpoints.matchEvent(record, cpu) : undefined;
        if (found !== undefined) matches++;
        const verdict = found === undefined ? undefined : breakpoints.countHits(found, step);
        if (verdict !== undefined) hit = { verdict, step, nth: matches };
        return hit !== undefined || breakpoints.isWaiting || logPoints?.breakpoints.isWaiting === true;
      },
      endStep: (step, cpu) => {
        if (hit !== undefined) return;
        logPoints?.endStep(step, cpu);
        const verdict = isLooking ? breakpoints.endStep(cpu) : undefined;
        over = verdict === undefined ? undefined : breakpoints.countHits(verdict, step);
      },
    });
    machine.forgetDerived();
    if (kinds.size > 0) machine.bus.listen(steps.listener, kinds);
    if (watch !== undefined) replay.journal.watch(watch, floor);
    try {
      for (let passes = 1; ; passes++) {
        if (replay.isOver()) return passes === 1 && !machine.interpreter.scheduler.isStuck ? ENDED : endOf(machine);
        const { interpreter } = machine;
        const { step, cpu } = replay;
        if (isLooking) {
          const ahead = breakpoints.countStatement(step, cpu);
          const stop = joined(over, isFirst ? undefined : ahead);
          if (stop !== undefined && (over !== undefined || arrival === undefined || !hasArrived(machine, arrival))) return boundaryStop(stop);
        }
        if (!isFirst && arrival !== undefined && hasArrived(machine, arrival)) return STEP;
        isFirst = false;
        const died = machine.interpreter.deaths.count;
        const isStraight = watch !== undefined && interpreter.stacks[cpu]!.depth > floor;
        steps.pass(() => {
          over = undefined;
          if (isStraight) replay.advance(until);
          else replay.execute();
        });
        if (hit !== undefined) {
          machine.bus.silence();
          replay.journal.watch();
          return this.enterMatch(hit);
        }
        if (interpreter.deaths.count !== died && !replay.isOver()) return vmDied(machine);
        if (rounds?.goesRound() === true) return { kind: 'waits', text: spinText(machine, this.alone!) };
        sinceYield += replay.step - step;
        if (sinceYield >= STRIDE) {
          sinceYield = 0;
          yield undefined;
          if (over === undefined && this.isPauseAsked()) return { kind: 'pause' };
        }
      }
    } finally {
      machine.bus.silence();
      replay.journal.watch();
      // Of the step that a breakpoint stops in the rest is still to be seen: `enterMatch` has gone to its start.
      this.counting.wentOver(start, replay.step);
    }
  }

  /** What has to be minded on the straight way to an arrival; undefined: every step is looked at. */
  private watchUpTo(arrival: Arrival | undefined): StraightWatch | undefined {
    const { replay: { machine: { program } }, counting: { watch } } = this;
    return arrival !== undefined && ('left' in arrival || program.actors.length > 1) ? undefined : watch;
  }

  /** Stands at the `nth` event of `step` that matches a breakpoint. */
  private enterMatch({ step, nth, verdict }: { readonly step: number; readonly nth: number; readonly verdict: Verdict }): Stop {
    const { replay, breakpoints } = this;
    replay.goTo(step);
    enterNth(replay, breakpoints, nth);
    return this.eventStop(verdict);
  }

  /** Between two steps: what the one before has come to, and the breakpoints of the statement ahead, which are met there too. */
  private boundaryStop(over: Verdict): Stop {
    const { replay, breakpoints } = this;
    return boundaryStop(joined(over, breakpoints.countStatement(replay.step, replay.cpu)) ?? over);
  }

  private eventStop(verdict: Verdict): Stop {
    return eventStop(this.replay, verdict);
  }
}

/** The CPU has moved, and a statement of its own that is wanted comes next for it; or it has left what is behind a statement. */
function hasArrived(machine: Machine, arrival: Arrival): boolean {
  const { interpreter } = machine;
  if ('step' in arrival) return interpreter.run.step >= arrival.step;
  if ('left' in arrival) return interpreter.scheduler.current !== arrival.left || interpreter.isAtStatement(arrival.left) || isWithinStatement(machine, arrival.left);
  const { cpu, depth } = arrival;
  return interpreter.scheduler.previous === cpu && interpreter.isAtStatement(cpu) && interpreter.stacks[cpu]!.depth <= depth;
}

function isWithinStatement({ program, interpreter }: Machine, cpu: number): boolean {
  const { pc } = interpreter.stacks[cpu]!;
  const statement = program.statements[interpreter.statements.at(pc)];
  return statement !== undefined && pc >= statement.entry && pc < statement.end;
}

/** The stop where a run ends: at its death, when it died, so that one can look and step back. */
function endOf(machine: Machine): Stop {
  const { run: { status }, scheduler } = machine.interpreter;
  if (status === RUN.running) return { kind: 'waits', text: waitText(machine, scheduler.alone) };
  const { message } = outcomeOf(machine);
  // Of a VM that died before the others came to their end was told there.
  return message === undefined || machine.interpreter.run.status === RUN.ended ? ENDED : { kind: 'died', message, cpu: machine.interpreter.run.cpu, others: 'none' };
}

/** The stop where a VM has come to its end in the last step, and others go on. */
function vmDied(machine: Machine): Stop {
  const death = machine.interpreter.deaths.last;
  return { kind: 'died', message: deathText(machine, death), cpu: death.cpu, others: 'go on' };
}

/** Stands at the `nth` event of the step ahead that matches a breakpoint. */
export function enterNth(replay: Replay, breakpoints: Breakpoints, nth: number): void {
  let count = 0;
  breakpoints.beginStep(replay.step);
  if (!replay.enter((record) => breakpoints.matchEvent(record, replay.cpu) !== undefined && ++count === nth)) {
    throw new Error('invariant: a step executed again does not do again what it did');
  }
}

/** The stop at the event that the machine stands at. */
export function eventStop(replay: Replay, verdict: Verdict): Stop {
  return verdict.error === undefined && verdict.about === undefined
    ? { kind: 'event', ids: verdict.ids, event: viewEvent(replay.records[replay.records.length - 1]!) }
    : boundaryStop(verdict);
}

/** The stop between two steps, or at an event with which the handling of another is over. */
export function boundaryStop(verdict: Verdict): Stop {
  const ids = [...new Set(verdict.ids)];
  if (verdict.error !== undefined) return { kind: 'condition-error', ids, message: verdict.error };
  if (verdict.about !== undefined) return { kind: 'event', ids, event: viewEvent(verdict.about), isOver: true };
  return verdict.change === undefined ? { kind: 'breakpoint', ids } : { kind: 'change', ids, change: verdict.change };
}

/** The event of a statement's start: nothing has happened in its step before it, and nothing will. */
export function isStatementStart(record: Int32Array): boolean {
  return record[KIND_AT] === KIND.statement;
}

/** Ends of one reference of a walk, for stepping by reference. */
export function isReferenceEnd(record: Int32Array): boolean {
  const kind = record[KIND_AT];
  if (kind === KIND.table_read) return true;
  return kind === KIND.walk_done && record[field.space.at] !== SPACE.ept && record[field.space.at] !== SPACE.npt;
}

/** A line of a listing at `depth` or above it, or the return to the guest. */
export function isLineUpTo(depth: number): (record: Int32Array) => boolean {
  return (record) => (
    record[KIND_AT] === KIND.vm_entry || (record[KIND_AT] === KIND.listing_line && record[field.depth.at]! <= depth)
  );
}

/** What stepping into a listing's line meets first: a line at any depth, a walk, or the return to the guest. */
export function isInsideLine(record: Int32Array): boolean {
  const kind = record[KIND_AT];
  return kind === KIND.listing_line || kind === KIND.walk || kind === KIND.vm_entry;
}
