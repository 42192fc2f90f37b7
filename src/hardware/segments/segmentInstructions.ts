import { CR0, RFLAGS } from '../processor/controlRegisters';
import type { DescriptorTables } from './descriptorTables';
import { VECTOR } from '../delivery/exceptions';
import { type InstructionEnd, RETRY_LIMIT } from '../processor/instructionEnd';
import type { Interruption } from '../processor/interruption';
import type { MemoryInstructions } from '../processor/memoryInstructions';
import { OPERATION } from '../paging/accessKinds';
import { loadRealSelector } from './realModeSegments';
import { REGISTER } from '../processor/registers';
import { type PendingOperation, RESUME, STATUS } from '../processor/rootMode';
import { type ReferenceKind, type Segmentation, SEGMENTED } from './segmentation';
import { SegmentLoad } from './segmentLoad';
import { SEGMENT, type SegmentRegisters } from './segmentRegisters';
import { loadVirtual8086Selector } from './virtual8086';

/** The parts of a processor that instructions on and through segment registers work on. */
export interface SegmentInstructionProcessor {
  readonly registers: Int32Array;
  readonly segments: SegmentRegisters;
  readonly pending: PendingOperation;
  readonly tables: DescriptorTables;
  readonly segmentation: Segmentation;
  readonly onMemory: MemoryInstructions;
  readonly interruption: Interruption;
  readonly end: InstructionEnd;
}

/** MOV to a segment register, and memory operands that are segment and offset; each comes back with a `STATUS`. */
export class SegmentInstructions {
  private readonly descriptorLoad: SegmentLoad;

  constructor(private readonly processor: SegmentInstructionProcessor) {
    const { interruption } = processor;
    this.descriptorLoad = new SegmentLoad({ ...processor, raise: (vector, errorCode) => interruption.raise(vector, errorCode, 0, 0) });
  }

  /** MOV of a selector to DS, ES, FS, GS or SS; `segment`: a `SEGMENT`. SDM Vol. 2, "MOV—Move". */
  loadSegment(segment: number, selector: number): number {
    const { registers, segments, pending, end } = this.processor;
    pending.operation = OPERATION.loadSegment;
    pending.segment = segment;
    pending.operandLo = selector & 0xffff;
    pending.operandHi = 0;
    if ((registers[2 * REGISTER.cr0]! & CR0.PE) === 0) {
      loadRealSelector(segments, segment, selector & 0xffff);
      return STATUS.done;
    }
    if ((registers[2 * REGISTER.rflags]! & RFLAGS.VM) !== 0) {
      loadVirtual8086Selector(segments, segment, selector & 0xffff);
      return STATUS.done;
    }
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      const answer = this.descriptorLoad.load(segment, selector & 0xffff);
      if (answer !== RESUME.retry) return end.statusOf(answer);
    }
    return end.giveUp('the load of a segment register exits again and again');
  }

  /** `operation`: load, store, read-modify-write or fetch, as `MemoryInstructions.access` does it at [segment:offset]. */
  access(
    operation: number, segment: number, offsetLo: number, offsetHi: number, size: number,
    operandLo: number, operandHi: number, rmw: number,
  ): number {
    const { segmentation, onMemory } = this.processor;
    const kind: ReferenceKind = operation === OPERATION.load ? 'read' : operation === OPERATION.fetch ? 'fetch' : 'write';
    if (segmentation.locate(segment, offsetLo, offsetHi, size, kind) === SEGMENTED.linear) {
      return onMemory.access(operation, segmentation.lo, segmentation.hi, size, operandLo, operandHi, rmw, segment);
    }
    return this.violate(segment, offsetLo, offsetHi, size);
  }

  /** The check alone, outside 64-bit mode, of an operand of `size` bytes that is reached by its linear address. */
  checkLimit(segment: number, offsetLo: number, offsetHi: number, size: number): number {
    return this.processor.segmentation.isWithin(segment, offsetLo, offsetHi, size) ? STATUS.done : this.violate(segment, offsetLo, offsetHi, size);
  }

  private violate(segment: number, offsetLo: number, offsetHi: number, size: number): number {
    const { pending, interruption, end } = this.processor;
    pending.operation = OPERATION.segmentViolation;
    pending.segment = segment;
    pending.gvaLo = offsetLo;
    pending.gvaHi = offsetHi;
    pending.size = size;
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      const answer = interruption.raise(segment === SEGMENT.ss ? VECTOR.stackFault : VECTOR.generalProtection, 0, 0, 0);
      if (answer !== RESUME.retry) return end.statusOf(answer);
    }
    return end.giveUp('the access exits again and again and nothing comes of it');
  }
}
