import { SEGMENT, SEGMENT_RIGHTS, SEGMENT_TYPE, type SegmentRegisters } from './segmentRegisters';

const SELECTOR_SHIFT = 4;
const LIMIT = 0xffff;
const USER_LEVEL = 3;
/** 0xf3, which is also what a VMCS must have. SDM Vol. 3, "Checks on Guest Segment Registers". */
const RIGHTS = SEGMENT_TYPE.accessed | SEGMENT_TYPE.writable | SEGMENT_RIGHTS.codeOrData | (USER_LEVEL << SEGMENT_RIGHTS.dplShift)
  | SEGMENT_RIGHTS.present;

/** Segment registers that a selector is loaded into in virtual-8086 mode. */
export const virtual8086Segments = [SEGMENT.cs, SEGMENT.ss, SEGMENT.ds, SEGMENT.es, SEGMENT.fs, SEGMENT.gs] as const;

/**
 * Loads a segment register in virtual-8086 mode: base selector × 16, 64 KBytes, readable, writable and executable at
 * CPL 3. SDM Vol. 3, "Segment Registers" of "Virtual-8086 Mode".
 */
export function loadVirtual8086Selector(segments: SegmentRegisters, segment: number, selector: number): void {
  segments.set(segment, { selector, rights: RIGHTS, limit: LIMIT, baseLo: selector << SELECTOR_SHIFT, baseHi: 0 });
}
