import type { Stop } from './debuggee';
import type { Moving } from './motions';
import type { Replay } from './replay';
import { STRIDE } from './slices';

const STEP: Stop = { kind: 'step' };
const HERE: Stop = { kind: 'stayed', text: 'This is where the frame begins.' };

/**
 * Back to where a frame of a guest's began: the first statement behind the last moment at which `cpu` had fewer than `depth` frames
 * above that of its block. A frame from before `origin` begins there, as far as history shows.
 */
export function* toFrameStart(replay: Replay, origin: number, cpu: number, depth: number, isPauseAsked: () => boolean): Moving {
  const { interpreter } = replay.machine;
  const stack = interpreter.stacks[cpu]!;
  const here = replay.moment();
  replay.leaveStep();
  let until = replay.step;
  /** The first statement of the part that was looked at before, which the frame has been there throughout. */
  let first: number | undefined;
  for (;;) {
    replay.goTo(Math.max(origin, replay.checkpointBefore(Math.max(origin, until - 1))));
    const from = replay.step;
    let isBelow = false;
    let start: number | undefined;
    let seen: number | undefined;
    for (let steps = 1; ; steps++) {
      if (stack.depth < depth) {
        isBelow = true;
        start = undefined;
      } else if (interpreter.isAtStatement(cpu)) {
        seen ??= replay.step;
        if (isBelow) start = replay.step;
        isBelow = false;
      }
      if (replay.step >= until) break;
      replay.execute();
      if (steps % STRIDE !== 0) continue;
      yield undefined;
      if (isPauseAsked()) return { kind: 'pause' };
    }
    const found = start ?? (isBelow ? first : undefined);
    if (found !== undefined) {
      replay.goTo(found);
      return here.event === 0 && found === here.step ? HERE : STEP;
    }
    if (from <= origin) break;
    until = from;
    first = seen;
  }
  replay.goTo(origin);
  return { kind: 'start-of-history' };
}

/** Back to the event at which a frame that lives within the step stood in was opened: `event` of that step, from 1. */
export function toOpening(replay: Replay, event: number): Stop {
  if (event < 1) return { kind: 'stayed', text: 'The frame began before its CPU was held inside it, and cannot be begun anew by itself: step back to its statement.' };
  if (event >= replay.event) return HERE;
  replay.leaveStep();
  replay.enter((_, at) => at === event);
  return STEP;
}
