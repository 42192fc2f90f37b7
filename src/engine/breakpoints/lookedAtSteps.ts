import type { Replay } from '../time/replay';
import { UNWATCHED, joinedWatch, type StraightWatch } from '../straight/straightWatch';

/** Which events of a step are told: all, or where nobody looks at its start those of kinds that are listened to. */
export type StepSeen = 'from its start' | 'from an event on';

/** Who looks at the steps of a run as they are executed. */
export interface Onlooker {
  /** The way through `step` begins. */
  readonly beginStep: (step: number, seen: StepSeen) => void;
  /** An event of it; true: nothing is to be executed behind this step. */
  readonly noteEvent: (record: Int32Array, step: number, cpu: number) => boolean;
  /** It is over; `cpu` did it. */
  readonly endStep: (step: number, cpu: number) => void;
}

/**
 * Steps as an onlooker sees them. Without a watch each is told of from its beginning to its end. Where they are executed straight
 * that is so only of those that the watch names; of others with an event from that on. The rest go by unseen: there is nothing to say.
 */
export class LookedAtSteps {
  private begun = -1;
  private cpu = -1;

  constructor(private readonly replay: Replay, private readonly watch: StraightWatch | undefined, private readonly onlooker: Onlooker) {}

  /** To be listened with, to the kinds that the onlooker wants. */
  readonly listener = (record: Int32Array): void => {
    const { replay, replay: { step, cpu } } = this;
    this.begin('from an event on');
    if (this.onlooker.noteEvent(record, step, cpu)) replay.journal.stopBehindStep();
  };

  /** Has steps executed: one, or under a watch one or more (`Journal.advance`). */
  pass(execute: () => void): void {
    const { replay, watch } = this;
    const { step, cpu, machine: { interpreter } } = replay;
    if (watch === undefined || watch.instructions.has(interpreter.stacks[cpu]!.pc)) this.begin('from its start');
    execute();
    // A step that is held inside itself has not become another one.
    const last = Math.max(step, replay.step - 1);
    const hasBegun = this.begun === last;
    this.begun = -1;
    if (hasBegun) this.onlooker.endStep(last, this.cpu);
  }

  private begin(seen: StepSeen): void {
    const { step, cpu } = this.replay;
    if (this.begun === step) return;
    this.begun = step;
    this.cpu = cpu;
    this.onlooker.beginStep(step, seen);
  }
}

/**
 * What has to be minded by a run past all these; undefined: every step is looked at. So it is among several actors, who take
 * single steps in any case, and near checkpoints serve them better.
 */
export function watchOf({ machine: { program } }: Replay, looking: readonly ({ readonly watch: StraightWatch | undefined } | undefined)[]): StraightWatch | undefined {
  const watch = joinedWatch(looking.filter((each) => each !== undefined).map((each) => each.watch));
  const isPlain = watch !== undefined && watch.instructions.size === 0 && !watch.isHeard;
  if (isPlain && watch.accesses.length === 0) return UNWATCHED;
  return isPlain || program.actors.length === 1 ? watch : undefined;
}
