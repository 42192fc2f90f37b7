import { SEGMENT, type SegmentRegisters, type SegmentValue } from './segmentRegisters';

const SELECTOR_SHIFT = 4;

/**
 * Loads a segment register in real-address mode: the base is the selector × 16, and the limit and access rights stay
 * as they are, which a program that has been in protected mode can make use of. SDM Vol. 3, "Address Translation" of
 * "Real-Address Mode".
 */
export function loadRealSelector(segments: SegmentRegisters, segment: number, selector: number): void {
  segments.set(segment, {
    selector, rights: segments.rights(segment), limit: segments.limit(segment) | 0, baseLo: selector << SELECTOR_SHIFT, baseHi: 0,
  });
}

/** SS as a stack is pushed to. */
export function stackSegment(segments: SegmentRegisters): SegmentValue {
  return {
    selector: segments.selector(SEGMENT.ss), rights: segments.rights(SEGMENT.ss), limit: segments.limit(SEGMENT.ss),
    baseLo: segments.baseLo(SEGMENT.ss), baseHi: segments.baseHi(SEGMENT.ss),
  };
}
