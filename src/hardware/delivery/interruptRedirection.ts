import type { DeliveryProcessor } from './deliveryProcessor';
import { SYSTEM_ACCESS } from './systemAccessKinds';
import { VECTOR } from './exceptions';
import { TRANSLATED } from '../processor/linearTranslation';
import { SEGMENT } from '../segments/segmentRegisters';

/** Where a TSS has the offset of its I/O permission bit map, below which the redirection bit map lies. */
const MAP_BASE_AT = 0x66;
const MAP_BASE_BYTES = 2;
/** A bit for each vector. */
const MAP_BYTES = 32;

/**
 * Where INT n goes in virtual-8086 mode while CR4.VME is 1: a bit of the TSS says for each vector whether the program's own
 * handler has it, by the interrupt vector table at linear address 0, or that of protected mode. SDM Vol. 3, "Software
 * Interrupt Handling Methods", "32-Bit Task-State Segment (TSS)".
 */
export class InterruptRedirection {
  /** The last vector asked for is the program's own. */
  isRedirected = false;

  constructor(private readonly processor: DeliveryProcessor) {}

  /** TRANSLATED, or what a fault of reading the TSS led to. */
  ask(vector: number): number {
    const { segments, raise } = this.processor;
    this.isRedirected = false;
    if (MAP_BASE_AT + MAP_BASE_BYTES - 1 > segments.limit(SEGMENT.tr)) return raise(VECTOR.generalProtection, 0);
    const base = this.read(MAP_BASE_AT, MAP_BASE_BYTES);
    if (base !== TRANSLATED) return base;
    const at = this.processor.access.lo - MAP_BYTES + (vector >>> 3);
    if (at > segments.limit(SEGMENT.tr)) return raise(VECTOR.generalProtection, 0);
    const bits = this.read(at, 1);
    this.isRedirected = bits === TRANSLATED && ((this.processor.access.lo >>> (vector & 7)) & 1) === 0;
    return bits;
  }

  private read(offset: number, bytes: number): number {
    const { segments, access } = this.processor;
    return access.read(segments.baseLo(SEGMENT.tr) + offset | 0, 0, bytes, SYSTEM_ACCESS.taskState);
  }
}
