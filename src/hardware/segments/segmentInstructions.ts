import { CR0, EFER, RFLAGS } from '../processor/controlRegisters';
import { dplOf, isCode, isConforming, isWritableData, loadedFrom, rightsOf } from './descriptor';
import { type DescriptorTables, isNull, SELECTOR } from './descriptorTables';
import { selectorError } from '../delivery/deliveredEvent';
import { VECTOR } from '../delivery/exceptions';
import { type InstructionEnd, RETRY_LIMIT } from '../processor/instructionEnd';
import type { Interruption } from '../processor/interruption';
import { TRANSLATED } from '../processor/linearTranslation';
import type { MemoryInstructions } from '../processor/memoryInstructions';
import { OPERATION } from '../paging/accessKinds';
import { loadRealSelector } from './realModeSegments';
import { REGISTER } from '../processor/registers';
import { type PendingOperation, RESUME, STATUS } from '../processor/rootMode';
import { type ReferenceKind, type Segmentation, SEGMENTED } from './segmentation';
import { NO_SEGMENT, SEGMENT, SEGMENT_RIGHTS, SEGMENT_TYPE, type SegmentRegisters } from './segmentRegisters';
import { loadVirtual8086Selector } from './virtual8086';

const USER_LEVEL = 3;

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
  constructor(private readonly processor: SegmentInstructionProcessor) {}

  /** MOV of a selector to DS, ES, FS, GS or SS; `segment`: a `SEGMENT`. SDM Vol. 2, "MOV—Move". */
  loadSegment(segment: number, selector: number): number {
    const { registers, segments, pending, end } = this.processor;
    pending.operation = OPERATION.loadSegment;
    if ((registers[2 * REGISTER.cr0]! & CR0.PE) === 0) {
      loadRealSelector(segments, segment, selector & 0xffff);
      return STATUS.done;
    }
    if ((registers[2 * REGISTER.rflags]! & RFLAGS.VM) !== 0) {
      loadVirtual8086Selector(segments, segment, selector & 0xffff);
      return STATUS.done;
    }
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      const answer = this.loadDescriptor(segment, selector & 0xffff);
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

  /** RESUME.completed once the register is loaded. SDM Vol. 3, "Privilege Level Checking When Accessing Data Segments". */
  private loadDescriptor(segment: number, selector: number): number {
    const { registers, segments, tables, interruption } = this.processor;
    const cpl = registers[2 * REGISTER.cpl]!;
    const raise = (vector: number, errorCode: number): number => interruption.raise(vector, errorCode, 0, 0);
    const rpl = selector & SELECTOR.rplMask;
    if (isNull(selector)) {
      const isLong = (registers[2 * REGISTER.efer]! & EFER.LMA) !== 0 && (segments.rights(SEGMENT.cs) & SEGMENT_RIGHTS.long) !== 0;
      if (segment === SEGMENT.ss && (!isLong || cpl === USER_LEVEL || rpl !== cpl)) return raise(VECTOR.generalProtection, 0);
      segments.set(segment, { ...NO_SEGMENT, selector, rights: NO_SEGMENT.rights | (segment === SEGMENT.ss ? cpl << SEGMENT_RIGHTS.dplShift : 0) });
      return RESUME.completed;
    }
    const read = tables.read(selector, 0);
    if (read !== TRANSLATED) return read;
    const rights = rightsOf(tables.hi);
    const isAllowed = segment === SEGMENT.ss
      ? rpl === cpl && isWritableData(rights) && dplOf(rights) === cpl
      : isReadable(rights) && (isConforming(rights) || rpl <= dplOf(rights) && cpl <= dplOf(rights));
    if (!isAllowed) return raise(VECTOR.generalProtection, selectorError(selector, 0));
    if ((rights & SEGMENT_RIGHTS.present) === 0) {
      return raise(segment === SEGMENT.ss ? VECTOR.stackFault : VECTOR.segmentNotPresent, selectorError(selector, 0));
    }
    const marked = tables.markAccessed();
    if (marked !== TRANSLATED) return marked;
    segments.set(segment, loadedFrom(selector, tables.lo, tables.hi));
    return RESUME.completed;
  }
}

/** Data, or code that may be read. */
function isReadable(rights: number): boolean {
  return (rights & SEGMENT_RIGHTS.codeOrData) !== 0 && (!isCode(rights) || (rights & SEGMENT_TYPE.readable) !== 0);
}
