import type { LastWrite, Moment, Stop } from '../debuggee';
import type { HitCounting } from '../breakpoints/hitCounting';
import { describeWrite, findLastWrite, refusalOf } from './lastWriter';
import type { Moving } from './motions';
import type { Replay } from './replay';
import { inSlices } from '../slices';

const STEP: Stop = { kind: 'step' };
const PAUSE: Stop = { kind: 'pause' };

/** What a journey needs to know of the session. */
export interface Horizon {
  /** Step before which nothing is shown. */
  readonly origin: number;
  /** The latest moment that a motion has stopped at. */
  readonly latest: Moment;
  isPauseAsked(): boolean;
}

/** Motions to a moment that is known or can be found, without stopping on the way. Each begins wherever the moment is. */
export class Journeys {
  constructor(private readonly replay: Replay, private readonly counting: HitCounting, private readonly horizon: Horizon) {}

  /** To a moment: of history, or ahead of all that has run by now. */
  seek(moment: Moment): Moving {
    return this.to(moment, () => this.horizon.isPauseAsked());
  }

  private *to(moment: Moment, isPauseAsked: () => boolean): Moving {
    const { replay, horizon: { origin } } = this;
    if (moment.step < origin) return yield* this.toStart(`Step ${moment.step} lies before the first one that is shown.`);
    if (!(yield* this.travel(moment.step, isPauseAsked))) return PAUSE;
    if (replay.step < moment.step) return { kind: 'end-of-history', text: `The run comes to its end at step ${replay.step}: there is no step ${moment.step}.` };
    if (moment.event === 0) return STEP;
    if (replay.isOver()) return { kind: 'end-of-history', text: `The run comes to its end at step ${replay.step}: nothing happens in it any more.` };
    const events = replay.eventsAhead().length;
    if (replay.enter((_, event) => event === Math.min(moment.event, events))) {
      return moment.event <= events ? STEP : { kind: 'step', text: `Step ${moment.step} has ${events} events: this is the last one.` };
    }
    return { kind: 'step', text: `Nothing happens in step ${moment.step}: it has no event ${moment.event}.` };
  }

  /** To the first moment that history shows. */
  *toStart(text?: string): Moving {
    if (!(yield* this.travel(this.horizon.origin, () => this.horizon.isPauseAsked()))) return PAUSE;
    return { kind: 'start-of-history', ...(text === undefined ? {} : { text }) };
  }

  /** To the latest moment that a motion has stopped at. */
  *toEnd(): Moving {
    const { latest } = this.horizon;
    const text = 'This is the latest moment that the run has come to: what lies ahead is new.';
    const here = this.replay.moment();
    if (here.step === latest.step && here.event === latest.event) return { kind: 'end-of-history', text };
    const stop = yield* this.seek(latest);
    return stop.kind === 'step' ? { kind: 'end-of-history', text } : stop;
  }

  /** To the last write of some bytes of host-physical memory before the present moment. */
  *toLastWrite(address: bigint, bytes: number): Moving {
    const { replay, horizon: { origin } } = this;
    const place = `hpa:0x${address.toString(16)}`;
    const refusal = refusalOf(replay.machine.memory, address, bytes);
    if (refusal !== undefined) return { kind: 'stayed', text: refusal };
    const here = replay.moment();
    const isEarlier = ({ step, event }: Moment): boolean => step < here.step || (step === here.step && event < here.event);
    const found = yield* findLastWrite(replay, Number(address), bytes, isEarlier, () => this.horizon.isPauseAsked());
    if (found === 'paused') return PAUSE;
    if (found === undefined) return { kind: 'stayed', text: `Nobody has written ${place} before this moment, since the machine was built.` };
    const write = describeWrite(replay, found, origin);
    if (!write.isShown) return { kind: 'stayed', text: `${place} was last written while the guest booted (${this.where(write)}): boot is shown with "stopAtBoot".` };
    // A pause between here and there would leave a moment from which another write is the last.
    const stop = yield* this.to(write.moment, () => false);
    return stop.kind === 'step' ? { kind: 'step', text: `${sentence(write.text)} (${this.where(write)}).` } : stop;
  }

  /** `shadow-wp.vmm:41, sync_page` or `kernel.guest:120` */
  private where({ listed, statement }: LastWrite): string {
    if (listed !== undefined) return `${listed.listing}:${listed.line}, ${listed.procedure}`;
    const { program } = this.replay.machine;
    const range = program.statements[statement]?.range;
    return range === undefined ? 'no statement' : `${program.files[range.file]!.path.replace(/^.*[\\/]/, '')}:${range.line + 1}`;
  }

  /** To the start of a step, or the run's end before it; false when a pause has broken it off on the way. */
  private *travel(step: number, isPauseAsked: () => boolean): Generator<undefined, boolean> {
    const { replay, counting } = this;
    // Hits behind the moment that is left are known, and what was to be said there is said.
    if (step < replay.step) return yield* replay.travel(step, isPauseAsked);
    replay.leaveStep();
    return yield* inSlices({ step: () => replay.step, isThere: () => replay.step >= step || replay.isOver(), advance: () => { counting.pass(step); } }, isPauseAsked);
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
