import { KIND, KIND_AT, field } from '../../hardware/events/eventTable';
import type { Again } from './again';
import { joined, type Breakpoints, type Verdict } from '../breakpoints/breakpoints';
import { NEAR } from './checkpoints';
import type { Stop } from '../debuggee';
import { LookedAtSteps, watchOf } from '../breakpoints/lookedAtSteps';
import { boundaryStop, enterNth, eventStop, isStatementStart, type Moving } from './motions';
import type { Replay } from './replay';
import { STRIDE } from '../slices';

const STEP: Stop = { kind: 'step' };
const START: Stop = { kind: 'start-of-history' };
const PAUSE: Stop = { kind: 'pause' };
const HERE: Stop = { kind: 'stayed', text: 'This is where the frame begins.' };

/** What a search backward found last before the present moment. */
interface Found {
  readonly step: number;
  /** Ordinal of the event within the step that matched; 0: the statement at its start. */
  readonly nth: number;
  readonly verdict?: Verdict;
}

/** The search was broken off by a pause: the moment is the one at which it began. */
const PAUSED = 'paused';
/**
 * What was found is always gone to, a checkpoint's distance at most: a motion that stood between there and where it began would,
 * begun anew, find something else.
 */
const UNBROKEN = (): boolean => false;

/** What a search does on a forward pass through a part of history; a finding replaces the one before. */
interface Search {
  /** The part begins at the present moment. */
  readonly begin?: () => void;
  /** Looks at the moment between steps that the pass has come to. */
  readonly look: () => Found | undefined;
  /** Executes the step ahead, and may find something in it; or several, none from step `until` on, among which there is nothing to look at. */
  readonly execute: (again: Again, until: number) => Found | undefined;
  /** The part is over, or is broken off. */
  readonly end?: () => void;
}

/**
 * The ways to move backward. Time runs forward only: each executes once more, aside, from a checkpoint before the present
 * moment up to it, and keeps the last thing that it was looking for; with nothing found it does the same one checkpoint
 * earlier. Only then the moment changes: a search that is broken off leaves it as it was.
 */
export class BackwardMotions {
  constructor(
    private readonly replay: Replay,
    private readonly breakpoints: Breakpoints,
    private readonly isPauseAsked: () => boolean,
    /** Step before which nothing is shown: the scenario's first statement, or 0 when boot is. */
    private readonly origin: () => number,
  ) {}

  /** To the previous statement of the running guest frame of `cpu`, or of one that called it: a call is stepped over. */
  over(cpu: number): Moving {
    const depth = this.depthOf(cpu);
    return this.toStatement(cpu, (then) => then <= depth);
  }

  /** To the statement that has called the running procedure of `cpu`, or whose access has brought its handler about. */
  out(cpu: number): Moving {
    const depth = this.depthOf(cpu);
    return this.toStatement(cpu, (then) => then < depth);
  }

  /**
   * To where a guest's frame of `cpu` began: the first statement behind the last moment at which there were fewer than `depth` frames
   * above that of its block. A frame from before history begins where that does.
   */
  *frameStart(cpu: number, depth: number): Moving {
    const { replay, replay: { machine: { interpreter } } } = this;
    const stack = interpreter.stacks[cpu]!;
    const here = replay.moment();
    const below = depth === 0 ? undefined : yield* this.search({ look: () => (stack.depth < depth ? { step: replay.step, nth: 0 } : undefined), execute: executeOnly });
    const stop = yield* this.arrive(below);
    if (stop !== undefined) return stop;
    for (let steps = 1; replay.step < here.step && !(stack.depth >= depth && interpreter.isAtStatement(cpu)); steps++) {
      replay.execute();
      if (steps % STRIDE === 0) yield undefined;
    }
    return here.event === 0 && here.step === replay.step ? HERE : STEP;
  }

  /** To the event, from 1, at which a frame that lives within the step stood in was opened. */
  opening(event: number): Stop {
    if (event < 1) return { kind: 'stayed', text: 'The frame began before its CPU was held inside it, and cannot be begun anew by itself: step back to its statement.' };
    return event >= this.replay.event ? HERE : this.toEvent(event);
  }

  private depthOf(cpu: number): number {
    return this.replay.machine.interpreter.stacks[cpu]!.depth;
  }

  /** To the last statement that `cpu` has come to in a frame at a depth that `at` wants. */
  private *toStatement(cpu: number, at: (depth: number) => boolean): Moving {
    const { interpreter } = this.replay.machine;
    const stack = interpreter.stacks[cpu]!;
    // As on the way forward, the moment is the one at which the CPU comes to the statement.
    const look = (): Found | undefined => (
      interpreter.scheduler.previous === cpu && interpreter.isAtStatement(cpu) && at(stack.depth)
        ? { step: this.replay.step, nth: 0 } : undefined
    );
    const found = yield* this.search({ look, execute: executeOnly });
    return (yield* this.arrive(found)) ?? STEP;
  }

  /** To the last breakpoint before the present moment. */
  *continue(): Moving {
    const inStep = this.lastMatchInStep();
    if (inStep !== undefined) return inStep;
    if (this.breakpoints.isEmpty) return (yield* this.arrive(undefined)) ?? START;
    return (yield* this.arrive(yield* this.search(this.forBreakpoints()))) ?? START;
  }

  private forBreakpoints(): Search {
    const { replay, replay: { machine }, breakpoints } = this;
    const { kinds } = breakpoints;
    const watch = watchOf(replay, [breakpoints]);
    let matches = 0;
    let inside: Found | undefined;
    /** What the last step that was executed has come to, and the step that comes behind it. */
    let over: { readonly at: number; readonly verdict: Verdict } | undefined;
    const steps = new LookedAtSteps(replay, watch, {
      beginStep: (step, seen) => {
        matches = 0;
        breakpoints.beginStep(step, seen);
      },
      noteEvent: (record, step, cpu) => {
        const verdict = breakpoints.matchEvent(record, cpu);
        if (verdict !== undefined) {
          matches++;
          const met = breakpoints.countHits(verdict, step);
          if (met !== undefined) inside = { step, nth: matches, verdict: met };
        }
        return breakpoints.isWaiting;
      },
      endStep: (step, cpu) => {
        const verdict = breakpoints.endStep(cpu);
        const met = verdict === undefined ? undefined : breakpoints.countHits(verdict, step);
        over = met === undefined ? undefined : { at: replay.step, verdict: met };
      },
    });
    return {
      begin: () => {
        machine.forgetDerived();
        if (kinds.size > 0) machine.bus.listen(steps.listener, kinds);
        if (watch !== undefined) replay.journal.watch(watch);
      },
      look: () => {
        const { step, cpu } = replay;
        const ahead = breakpoints.countStatement(step, cpu);
        const verdict = joined(over?.at === step ? over.verdict : undefined, ahead);
        return verdict === undefined ? undefined : { step, nth: 0, verdict };
      },
      execute: (again, until) => {
        inside = undefined;
        over = undefined;
        steps.pass(() => { if (watch === undefined) again.execute(); else again.advance(until); });
        return inside;
      },
      end: () => {
        machine.bus.silence();
        replay.journal.watch();
      },
    };
  }

  /** To the previous event, or the start of a statement: the way that stepping by events goes forward. */
  *event(): Moving {
    const { replay } = this;
    const { interpreter } = replay.machine;
    const at = replay.event;
    const earlier = this.within((record) => !isStatementStart(record));
    if (earlier !== undefined) return earlier;
    replay.leaveStep();
    if (at > 0 && interpreter.isAtStatement(replay.cpu)) return STEP;
    for (let step = replay.step - 1; step >= this.origin(); step--) {
      yield* replay.travel(step, UNBROKEN);
      const ahead = replay.eventsAhead();
      let last = ahead.length;
      while (last > 0 && isStatementStart(ahead[last - 1]!)) last--;
      if (last > 0) return this.toEvent(last);
      if (interpreter.isAtStatement(replay.cpu)) return STEP;
      yield undefined;
      if (this.isPauseAsked()) return PAUSE;
    }
    return (yield* this.arrive(undefined)) ?? START;
  }

  /** Within the step stood in, to the last earlier event that `wanted` says; undefined when there is none. */
  within(wanted: (record: Int32Array) => boolean): Stop | undefined {
    return this.before(this.replay.event, wanted);
  }

  /** The same before event `before` of the step stood in. */
  before(before: number, wanted: (record: Int32Array, event: number) => boolean): Stop | undefined {
    for (let event = before - 1; event > 0; event--) {
      if (wanted(this.replay.records[event - 1]!, event)) return this.toEvent(event);
    }
    return undefined;
  }

  private toEvent(event: number): Stop {
    this.replay.leaveStep();
    this.replay.enter((_, at) => at === event);
    return STEP;
  }

  /** The last event before the present one, of the step stood in, that matches a breakpoint. */
  private lastMatchInStep(): Stop | undefined {
    const { replay, breakpoints } = this;
    const before = replay.event;
    if (before === 0) return undefined;
    let matches = 0;
    let nth = 0;
    let last: Verdict | undefined;
    replay.leaveStep();
    const { step } = replay;
    breakpoints.beginStep(step);
    replay.enter((record, event) => {
      if (event === before) return true;
      const verdict = breakpoints.matchEvent(record, replay.cpu);
      if (verdict === undefined) return false;
      matches++;
      const met = breakpoints.countHits(verdict, step);
      if (met !== undefined) {
        nth = matches;
        last = met;
      }
      return false;
    });
    if (last === undefined) return undefined;
    replay.leaveStep();
    enterNth(replay, breakpoints, nth);
    return eventStop(replay, last);
  }

  /**
   * The last finding before the present moment, from checkpoint to checkpoint backward. `look` is
   * asked between steps, the start of the step stood in included; `execute` runs steps and may find
   * something in them, which comes after what `look` found at their start.
   */
  private *search(search: Search): Generator<undefined, Found | typeof PAUSED | undefined> {
    const { replay } = this;
    const origin = this.origin();
    // The start of a step that is stood in lies before the moment, that of one about to run does not.
    let looksAtEnd = replay.event > 0;
    let until = replay.step;
    let before = looksAtEnd ? until : until - 1;
    let reach = NEAR;
    for (;;) {
      const { checkpoint, step } = replay.stretchBefore(before);
      // Most of what is looked for lies near: up to there nobody looks.
      const from = Math.max(origin, step, before - reach);
      reach *= 4;
      const found = yield* replay.asideInSlices(checkpoint, (again) => this.lastBetween(again, from, until, looksAtEnd, search));
      if (found !== undefined || from <= origin) return found;
      until = from;
      before = until - 1;
      // Where the later part began the earlier one ends, with what its last step has come to.
      looksAtEnd = true;
    }
  }

  private *lastBetween(
    again: Again, from: number, until: number, looksAtEnd: boolean, search: Search,
  ): Generator<undefined, Found | typeof PAUSED | undefined> {
    again.begin();
    if (!(yield* again.travel(from, this.isPauseAsked))) return PAUSED;
    let found: Found | undefined;
    search.begin?.();
    try {
      for (let looked = again.step; again.step < until || looksAtEnd;) {
        found = search.look() ?? found;
        if (again.step >= until) break;
        found = search.execute(again, until) ?? found;
        if (again.step - looked < STRIDE) continue;
        looked = again.step;
        yield undefined;
        if (this.isPauseAsked()) return PAUSED;
      }
    } finally {
      search.end?.();
    }
    return found;
  }

  /** Goes to what was found; undefined when it is a place that no breakpoint names, and the start when nothing was. */
  private *arrive(found: Found | typeof PAUSED | undefined): Generator<undefined, Stop | undefined> {
    if (found === PAUSED) return PAUSE;
    const { replay, breakpoints } = this;
    yield* replay.travel(found?.step ?? this.origin(), UNBROKEN);
    if (found === undefined) return START;
    if (found.nth > 0) enterNth(replay, breakpoints, found.nth);
    if (found.verdict === undefined) return undefined;
    return found.nth > 0 ? eventStop(replay, found.verdict) : boundaryStop(found.verdict);
  }
}

function executeOnly(again: Again): undefined {
  again.execute();
  return undefined;
}

/** The last line at `depth` or above it, or the VM exit that the handling began with. */
export function isEarlierLine(depth: number): (record: Int32Array) => boolean {
  return (record) => (
    record[KIND_AT] === KIND.vm_exit || (record[KIND_AT] === KIND.listing_line && record[field.depth.at]! <= depth)
  );
}

/** The last reference, or the walk's beginning. */
export function isEarlierReference(record: Int32Array): boolean {
  return record[KIND_AT] === KIND.table_read || record[KIND_AT] === KIND.walk;
}

/** What goes on with a walk: the access as it begins or begins again, a line of a listing, or a reference of the walk whose addresses it translates. */
export function isBeginning(record: Int32Array): boolean {
  const kind = record[KIND_AT]!;
  return kind === KIND.access || kind === KIND.vm_entry || kind === KIND.listing_line || isEarlierReference(record);
}
