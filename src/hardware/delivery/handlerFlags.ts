import { RFLAGS } from '../processor/controlRegisters';
import type { DeliveredEvent } from './deliveredEvent';

/**
 * RFLAGS as it is pushed: RF is set for a fault, so that an instruction breakpoint does not come again on return.
 * SDM Vol. 3, "Resume Flag"; no other bit differs from what the program had.
 */
export function pushedFlags(rflags: number, event: DeliveredEvent): number {
  return event.isFault ? rflags | RFLAGS.RF : rflags;
}

/** RFLAGS that a handler begins with. SDM Vol. 3, "Flag Usage By Exception- or Interrupt-Handler Procedure". */
export function handlerFlags(rflags: number, gate: 'interrupt gate' | 'trap gate'): number {
  const cleared = RFLAGS.TF | RFLAGS.NT | RFLAGS.RF | RFLAGS.VM;
  return rflags & ~(gate === 'interrupt gate' ? cleared | RFLAGS.IF : cleared);
}
