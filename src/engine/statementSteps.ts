import type { EventView, Moment } from './debuggee';
import { viewEvent } from './eventView';
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

/**
 * The steps from the one stood in to the end of its statement, executed aside. They end where another statement or another
 * thread goes on. The present moment is not disturbed.
 */
export function statementSteps(replay: Replay): readonly StatementStep[] {
  return replay.aside(undefined, (again) => {
    const { interpreter } = again.machine;
    const { actor } = again;
    const steps: StatementStep[] = [];
    const instructionAhead = (): number => interpreter.stacks[actor]!.pc;
    const statement = interpreter.statements.at(instructionAhead());
    while (!again.isOver && steps.length < MOST_STEPS && again.actor === actor && interpreter.statements.at(instructionAhead()) === statement) {
      const { step } = again;
      const instruction = instructionAhead();
      const events: EventView[] = [];
      again.executeListening((record) => { events.push(viewEvent(record)); });
      // A held step is taken again later: nothing more is to be seen of it here.
      if (again.step === step) break;
      steps.push({ step, instruction, statement, events });
    }
    return steps;
  });
}

/** A moment as one number that grows with time: what a disassembly calls an address. Events of a step are fewer than 2^20. */
export function momentAddress({ step, event }: Moment): bigint {
  return BigInt(step) * 0x10_0000n + BigInt(event);
}
