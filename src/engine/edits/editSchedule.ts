import type { EditedAt } from './edits';
import type { Machine } from '../machine/machine';
import { NOBODY } from '../schedule/scheduler';

/**
 * Has all but one actor stand from here on, or all run again (NOBODY). Whoever is in the middle of something that no other
 * comes into goes on to its end first. Inside a step it is decided at the step's end.
 */
export function schedule({ interpreter }: Machine, alone: number, at: EditedAt): void {
  const { scheduler } = interpreter;
  scheduler.alone = alone;
  if (at === 'inside a step' || (alone === NOBODY && scheduler.canRun(scheduler.current))) return;
  interpreter.advance();
}
