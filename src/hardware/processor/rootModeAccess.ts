import { OPERATION } from '../paging/accessKinds';
import type { LinearTranslation } from './linearTranslation';
import { RETRY_LIMIT } from './instructionEnd';
import type { Interruption } from './interruption';
import type { MemoryInstructions } from './memoryInstructions';
import { PendingOperation, RESUME } from './rootMode';

/** The parts of a processor that it needs to have an access made by root mode. */
export interface InterceptedProcessor {
  readonly pending: PendingOperation;
  readonly translation: LinearTranslation;
  readonly interruption: Interruption;
  readonly onMemory: MemoryInstructions;
}

/**
 * Accesses that no instruction names (of event delivery, IRET, loads of descriptors, INVPCID's operand), where every access is
 * intercepted: root mode finds each as the pending operation, like an operand, and makes the whole of it; then the processor
 * goes on with what it was about, and `pending` tells of that again.
 */
export class RootModeAccess {
  /** What was read. */
  lo = 0;
  hi = 0;
  private readonly kept = new PendingOperation();

  constructor(private readonly processor: InterceptedProcessor) {}

  get isNeeded(): boolean {
    return this.processor.translation.isIntercepted;
  }

  /** Host-physical address of the first byte. */
  get hpaLo(): number { return this.processor.onMemory.performedLo; }
  get hpaHi(): number { return this.processor.onMemory.performedHi; }

  /** RESUME.completed with what was read in `lo`, `hi`, or what the fault or exit led to. At most 8 bytes. */
  read(lo: number, hi: number, size: number, access: number): number {
    return this.make(OPERATION.load, lo, hi, size, 0, 0, access);
  }

  write(lo: number, hi: number, size: number, valueLo: number, valueHi: number, access: number): number {
    return this.make(OPERATION.store, lo, hi, size, valueLo, valueHi, access);
  }

  private make(operation: number, lo: number, hi: number, size: number, valueLo: number, valueHi: number, access: number): number {
    const { pending, interruption } = this.processor;
    Object.assign(this.kept, pending);
    pending.beginAccess(operation, lo, hi, size, valueLo, valueHi);
    let answer: number = RESUME.retry;
    for (let attempt = 0; answer === RESUME.retry && attempt < RETRY_LIMIT; attempt++) answer = interruption.exitSystemAccess(lo, hi, access);
    this.lo = pending.valueLo;
    this.hi = pending.valueHi;
    Object.assign(pending, this.kept);
    return answer;
  }
}
