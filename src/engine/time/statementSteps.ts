import type { Again } from './again';
import type { EventView, Moment } from '../debuggee';
import { viewEvent } from '../eventView';
import type { Replay } from './replay';

/** A step of a statement, with all of its events, those that are still to come too. */
export interface StatementStep {
  readonly step: number;
  /** The instruction of the compiled scenario that it executes. */
  readonly instruction: number;
  readonly statement: number;
  readonly events: readonly EventView[];
}

/** A statement that calls goes on elsewhere, and one that loops never ends: so many steps are looked at. */
const MOST_STEPS = 64;
/** Events of a step are fewer than this. */
const EVENTS_OF_STEP = 0x10_0000n;

/** CPUs take turns every thousand steps unless a scenario says otherwise: one whose turn comes later than this waits for something. */
const MOST_WAITED = 2048;

/**
 * The steps from the one stood in, or of another thread from the one at which its turn comes, to the end of its statement, executed
 * aside, at most so many. They end where another statement or another thread goes on; none where the turn does not come. The present moment is not disturbed.
 */
export function statementSteps(replay: Replay, thread?: number, most = MOST_STEPS): readonly StatementStep[] {
  return replay.aside(undefined, (again) => {
    if (!toTurnOf(again, thread)) return [];
    const { actor, machine: { interpreter } } = again;
    const steps: StatementStep[] = [];
    const statement = interpreter.statements.at(instructionOf(again));
    while (!again.isOver && steps.length < most && again.actor === actor && interpreter.statements.at(instructionOf(again)) === statement) {
      const step = seen(again);
      if (step === undefined) break;
      steps.push(step);
    }
    return steps;
  });
}

/** A step of the statement stood in, or of one with which another thread goes on. */
export function comingStep(replay: Replay, step: number): StatementStep | undefined {
  const others = replay.machine.interpreter.stacks.map((_, thread) => thread).filter((thread) => thread !== replay.cpu);
  for (const thread of [replay.cpu, ...others]) {
    const found = statementSteps(replay, thread).find((each) => each.step === step);
    if (found !== undefined) return found;
  }
  return undefined;
}

function toTurnOf(again: Again, thread = again.actor): boolean {
  for (let waited = 0; again.actor !== thread && waited < MOST_WAITED && !again.isOver; waited++) again.execute();
  return again.actor === thread && !again.isOver;
}

/** A step that has been executed at some time; undefined where it was held inside itself. */
export function stepAt(replay: Replay, step: number): StatementStep | undefined {
  return replay.aside(replay.stretchBefore(step).checkpoint, (again) => {
    again.begin();
    again.goTo(step);
    return again.step === step && !again.isOver ? seen(again) : undefined;
  });
}

/** Executes the step ahead. One that is held inside itself is taken again later: nothing more is to be seen of it here. */
function seen(again: Again): StatementStep | undefined {
  const { step } = again;
  const instruction = instructionOf(again);
  const statement = again.machine.interpreter.statements.at(instruction);
  const events: EventView[] = [];
  again.executeListening((record) => { events.push(viewEvent(record)); });
  return again.step === step ? undefined : { step, instruction, statement, events };
}

/** The instruction that the step ahead executes. */
function instructionOf({ machine, actor }: Again): number {
  return machine.interpreter.stacks[actor]!.pc;
}

/** A moment as one number that grows with time: what a disassembly calls an address. */
export function momentAddress({ step, event }: Moment): bigint {
  return BigInt(step) * EVENTS_OF_STEP + BigInt(event);
}

/** The moment that such a number is. */
export function momentAt(address: bigint): Moment {
  return { step: Number(address / EVENTS_OF_STEP), event: Number(address % EVENTS_OF_STEP) };
}
