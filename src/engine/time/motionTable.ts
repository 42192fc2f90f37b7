import { field } from '../../hardware/events/eventTable';
import { BackwardMotions, isBeginning, isEarlierLine, isEarlierReference } from './backwardMotions';
import type { Breakpoints } from '../breakpoints/breakpoints';
import type { Journey, Moment, Motion, Stop } from '../debuggee';
import { toExit, toPlace, withoutErrand, type Errand } from './errands';
import type { HitCounting } from '../breakpoints/hitCounting';
import { Journeys, type Horizon } from './journeys';
import { ForwardMotions, isInsideLine, isLineUpTo, isReferenceEnd, type Moving } from './motions';
import type { Replay } from './replay';
import { foldFrames, openWalks, type StepFrame } from './stepFrames';

/** Every motion by its name: what it is from where one stands, by the top frame. */
export class MotionTable {
  private readonly forward: ForwardMotions;
  private readonly backward: BackwardMotions;
  private readonly journeys: Journeys;

  constructor(private readonly replay: Replay, private readonly breakpoints: Breakpoints, counting: HitCounting, private readonly horizon: Horizon) {
    const isPauseAsked = (): boolean => horizon.isPauseAsked();
    this.forward = new ForwardMotions(replay, breakpoints, counting, isPauseAsked);
    this.backward = new BackwardMotions(replay, breakpoints, isPauseAsked, () => horizon.origin);
    this.journeys = new Journeys(replay, counting, horizon);
  }

  /** Motions forward run this actor alone from here on; undefined: all. */
  set alone(actor: number | undefined) {
    this.forward.alone = actor;
  }

  /** Begins a motion of `cpu`, which may be a host thread. `first`: whether the statement at the present moment has been stopped at. */
  begin(motion: Motion, cpu: number, first: 'seen' | 'not yet seen'): Moving {
    const open = cpu === this.replay.cpu ? foldFrames(this.replay.eventsOfStep()) : [];
    const top = open[open.length - 1];
    if (typeof motion !== 'string') return this.journey(motion, cpu);
    switch (motion) {
      case 'continue': return this.forward.continue(first);
      case 'reverse-continue': return this.backward.continue();
      case 'event': return this.forward.event();
      case 'event-back': return this.backward.event();
      case 'over': return this.over(top, cpu);
      case 'in': return this.into(top, cpu);
      case 'out': return this.out(top, cpu);
      case 'over-back': return this.overBack(top, cpu);
      case 'out-back': return this.outBack(open, cpu);
      case 'exit': return this.toExit(this.cpuOf(cpu), first);
      case 'any-exit': return this.toExit(undefined, first);
      case 'exit-back': return this.onErrand(toExit(this.cpuOf(cpu)), () => this.backward.continue());
      case 'any-exit-back': return this.onErrand(toExit(undefined), () => this.backward.continue());
      case 'to-start': return this.journeys.toStart();
      case 'to-end': return this.journeys.toEnd();
    }
  }

  private journey(motion: Journey, cpu: number): Moving {
    switch (motion.kind) {
      case 'seek': return this.journeys.seek(motion.moment);
      case 'into': return this.forward.to(motion.moment);
      case 'write-back': return this.journeys.toLastWrite(motion.address, motion.bytes);
      case 'frame-start': return this.toFrameStart(motion.frame, cpu);
      case 'cursor-back': return this.onErrand(toPlace(motion.place), () => this.backward.continue());
    }
  }

  private *toFrameStart(frame: Extract<Journey, { kind: 'frame-start' }>['frame'], cpu: number): Moving {
    const { replay, backward } = this;
    if ('depth' in frame) return yield* backward.frameStart(cpu, frame.depth);
    if (cpu !== replay.cpu) return { kind: 'stayed', text: 'The frame is of a CPU that is held inside an access: step back to its statement.' };
    return backward.opening(frame.opened - (replay.eventsOfStep().length - replay.event));
  }

  /** The number that a CPU's events carry; a host thread has no VM exits, and stands for all. */
  private cpuOf(actor: number): number | undefined {
    return this.replay.machine.processors[actor]?.cpu;
  }

  private *toExit(cpu: number | undefined, first: 'seen' | 'not yet seen'): Moving {
    const stop = yield* this.onErrand(toExit(cpu), () => this.forward.continue(first));
    return stop.kind === 'ended' ? { kind: 'end-of-history', text: 'There is no VM exit ahead: the run has come to its end.' } : stop;
  }

  /** Moves with one more breakpoint, of which nobody hears. */
  private *onErrand(errand: Errand, begin: () => Moving): Moving {
    this.breakpoints.bring(errand);
    try {
      return withoutErrand(yield* begin());
    } finally {
      this.breakpoints.bring(undefined);
    }
  }

  private over(top: StepFrame | undefined, cpu: number): Moving {
    if (top?.kind === 'listing') return this.forward.within(isLineUpTo(top.record[field.depth.at]!));
    return top?.kind === 'walk' ? this.forward.within(isReferenceEnd) : this.forward.over(cpu);
  }

  private into(top: StepFrame | undefined, cpu: number): Moving {
    if (top?.kind === 'listing') return this.forward.within(isInsideLine);
    return top === undefined ? this.forward.in(cpu) : this.forward.event();
  }

  private out(top: StepFrame | undefined, cpu: number): Moving {
    switch (top?.kind) {
      case 'listing': return this.forward.within(isLineUpTo(top.record[field.depth.at]! - 1));
      case 'walk': {
        const records = [...this.replay.records];
        const open = openWalks(records);
        return this.forward.within((record) => {
          records.push(record.slice());
          return openWalks(records) < open;
        });
      }
      case 'access': return this.forward.finishStep();
      case undefined: return this.forward.out(cpu);
    }
  }

  private *overBack(top: StepFrame | undefined, cpu: number): Moving {
    const earlier = top?.kind === 'listing' ? this.backward.within(isEarlierLine(top.record[field.depth.at]!))
      : top?.kind === 'walk' ? this.backward.within(isEarlierReference) : undefined;
    return earlier ?? (yield* this.backward.over(cpu));
  }

  /** To where the top frame was begun. */
  private *outBack(open: readonly StepFrame[], cpu: number): Moving {
    const top = open[open.length - 1];
    switch (top?.kind) {
      case 'listing': return this.backward.within(isEarlierLine(top.record[field.depth.at]! - 1)) ?? (yield* this.backward.over(cpu));
      case 'walk': return this.toBeginning(top, open.length) ?? (yield* this.backward.over(cpu));
      case 'access': return yield* this.backward.over(cpu);
      case undefined: return yield* this.backward.out(cpu);
    }
  }

  /** To what a walk was made for, as it stood then: where one frame less than `depth` was open. */
  private toBeginning({ opened }: StepFrame, depth: number): Stop | undefined {
    const records = this.replay.eventsOfStep();
    const before = records.length - this.replay.event;
    return this.backward.before(opened - before, (record, event) => isBeginning(record) && foldFrames(records.slice(0, before + event)).length < depth);
  }
}

/** Whether a motion begun at a moment goes back in time: what it passes is no news. */
export function isBackward(motion: Motion, here: Moment): boolean {
  if (typeof motion === 'string') return backward.has(motion);
  if (motion.kind === 'into') return false;
  return motion.kind !== 'seek' || motion.moment.step < here.step || (motion.moment.step === here.step && motion.moment.event < here.event);
}

const backward: ReadonlySet<Motion> = new Set<Motion>(['reverse-continue', 'over-back', 'out-back', 'event-back', 'exit-back', 'any-exit-back', 'to-start']);
