import { CR0, EFER, RFLAGS } from '../processor/controlRegisters';
import { sumHi } from '../memory/addressSum';
import { REGISTER } from '../processor/registers';
import { SEGMENT, SEGMENT_RIGHTS, type SegmentRegisters } from './segmentRegisters';
import { SEGMENT_TYPE } from './segmentRegisters';

const SP_MASK = 0xffff;

/** How a reference through a segment comes out. */
export const SEGMENTED = { linear: 0, refused: 1 } as const;
export type ReferenceKind = 'read' | 'write' | 'fetch';

/** The parts of a processor that make a linear address out of segment and offset. */
export interface SegmentingProcessor {
  readonly registers: Int32Array;
  readonly segments: SegmentRegisters;
}

/**
 * From segment and offset to a linear address. Real-address mode gives the base plus the offset, up to 10FFEFH: with
 * 20 bits and the 64 KBytes above 1 MByte that a carry reaches, since there is no A20 mask here. SDM Vol. 3, "Limit
 * Checking", "Type Checking", "Address Translation" of "Real-Address Mode"; "Segmentation in IA-32e Mode".
 */
export class Segmentation {
  /** The linear address found. */
  lo = 0;
  hi = 0;

  constructor(private readonly processor: SegmentingProcessor) {}

  /**
   * `SEGMENTED.linear`, or refused: then it is #SS(0) through SS and #GP(0) through the others. `segment`: a `SEGMENT`;
   * (offsetLo, offsetHi): of `size` bytes.
   */
  locate(segment: number, offsetLo: number, offsetHi: number, size: number, kind: ReferenceKind): number {
    const { segments } = this.processor;
    const baseLo = segments.baseLo(segment);
    const baseHi = segments.baseHi(segment);
    if (this.is64Bit) {
      const hasBase = segment === SEGMENT.fs || segment === SEGMENT.gs;
      this.lo = hasBase ? baseLo + offsetLo | 0 : offsetLo;
      this.hi = hasBase ? sumHi(baseLo, baseHi + offsetHi | 0, offsetLo >>> 0) : offsetHi;
      return SEGMENTED.linear;
    }
    if (!this.isWithin(segment, offsetLo, offsetHi, size) || !this.isOfType(segment, kind)) return SEGMENTED.refused;
    this.lo = baseLo + offsetLo | 0;
    this.hi = 0;
    return SEGMENTED.linear;
  }

  /** Outside 64-bit mode: does all of an operand at an offset lie within its segment? */
  isWithin(segment: number, offsetLo: number, offsetHi: number, size: number): boolean {
    return offsetHi === 0 && this.isWithinLimit(segment, offsetLo >>> 0, size);
  }

  private isWithinLimit(segment: number, offset: number, size: number): boolean {
    const { segments } = this.processor;
    const rights = segments.rights(segment);
    const limit = segments.limit(segment);
    const last = offset + size - 1;
    const isExpandDown = (rights & SEGMENT_TYPE.code) === 0 && (rights & SEGMENT_TYPE.expandDown) !== 0;
    if (!isExpandDown) return last <= limit;
    return offset > limit && last <= (rights & SEGMENT_RIGHTS.big ? 0xffff_ffff : SP_MASK);
  }

  /** In real-address and virtual-8086 mode a segment of any type may be read, written and fetched from. */
  private isOfType(segment: number, kind: ReferenceKind): boolean {
    const { registers, segments } = this.processor;
    const isProtected = (registers[2 * REGISTER.cr0]! & CR0.PE) !== 0 && (registers[2 * REGISTER.rflags]! & RFLAGS.VM) === 0;
    if (!isProtected) return true;
    const rights = segments.rights(segment);
    if ((rights & SEGMENT_RIGHTS.unusable) !== 0) return false;
    const isCode = (rights & SEGMENT_TYPE.code) !== 0;
    if (kind === 'fetch') return isCode;
    if (kind === 'write') return !isCode && (rights & SEGMENT_TYPE.writable) !== 0;
    return !isCode || (rights & SEGMENT_TYPE.readable) !== 0;
  }

  private get is64Bit(): boolean {
    const { registers, segments } = this.processor;
    return (registers[2 * REGISTER.efer]! & EFER.LMA) !== 0 && (segments.rights(SEGMENT.cs) & SEGMENT_RIGHTS.long) !== 0;
  }
}
