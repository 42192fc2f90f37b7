import { OPERATION } from '../paging/accessKinds';
import type { Invalidations } from '../caches/invalidations';
import { type InstructionEnd, RETRY_LIMIT } from './instructionEnd';
import { NO_EXIT } from './instructionExits';
import type { Interruption } from './interruption';
import { VECTOR } from '../delivery/exceptions';
import type { ProcessorEvents } from '../events/processorEvents';
import { REGISTER } from './registers';
import { type PendingOperation, RESUME, STATUS } from './rootMode';

/** The parts of a processor that the guest's invalidating instructions work on. */
export interface InvalidatingProcessor {
  readonly registers: Int32Array;
  readonly pending: PendingOperation;
  readonly events: ProcessorEvents;
  readonly interruption: Interruption;
  readonly invalidations: Invalidations;
  readonly end: InstructionEnd;
}

/** Instructions of the guest that invalidate translations; each comes back with a `STATUS`. */
export class InvalidationInstructions {
  constructor(private readonly processor: InvalidatingProcessor) {}

  /** INVLPG of a linear address; of one that is not canonical it invalidates nothing. SDM Vol. 2, "INVLPG". */
  invlpg(lo: number, hi: number): number {
    const { pending, registers, events, interruption, invalidations, end } = this.processor;
    pending.operation = OPERATION.invlpg;
    pending.gvaLo = lo;
    pending.gvaHi = hi;
    if ((interruption.privilege?.level ?? registers[2 * REGISTER.cpl]) === 0) events.invlpg(lo, hi);
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      const next = registers[2 * REGISTER.cpl] !== 0
        ? interruption.raise(VECTOR.generalProtection, 0, 0, 0) : interruption.exits.invlpg(lo, hi);
      if (next === NO_EXIT) {
        invalidations.invlpg(lo, hi);
        return STATUS.done;
      }
      if (next !== RESUME.retry) return end.statusOf(next);
    }
    return end.giveUp('INVLPG exits again and again');
  }
}
