import { EXCEPTION } from './interruption';
import { RESUME, STATUS } from './rootMode';

/** An instruction that is retried this often with nothing coming of it is given up. */
export const RETRY_LIMIT = 1000;

/** How instructions end, as a `STATUS`, and why the machine stopped. */
export class InstructionEnd {
  /** Why the status is stopped, as a sentence; empty when root mode has the reason. */
  stopReason = '';

  /** `next`: a `RESUME` that is not retry, or EXCEPTION. */
  statusOf(next: number): number {
    if (next === EXCEPTION) return STATUS.exception;
    if (next === RESUME.switched) return STATUS.switched;
    if (next !== RESUME.stopped) return STATUS.done;
    this.stopReason = '';
    return STATUS.stopped;
  }

  giveUp(reason: string): number {
    this.stopReason = reason;
    return STATUS.stopped;
  }
}
