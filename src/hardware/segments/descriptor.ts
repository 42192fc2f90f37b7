import { SEGMENT_RIGHTS, SEGMENT_TYPE, type SegmentValue } from './segmentRegisters';

/*
 * A segment descriptor of 8 bytes, as two words. SDM Vol. 3, "Segment Descriptors".
 *
 *   low word    31:16 base 15:0                15:0 limit 15:0
 *   high word   31:24 base 31:24   23 G  22 D/B  21 L  20 AVL  19:16 limit 19:16
 *               15 P  14:13 DPL  12 S  11:8 type                7:0 base 23:16
 */
const RIGHTS_SHIFT = 8;
const RIGHTS_MASK = 0xf0ff;
const LIMIT_HIGH = 0xf_0000;
const GRANULE = 0xfff;
/** Of the high word: set in a code or data segment by its first load. */
export const DESCRIPTOR_ACCESSED = SEGMENT_TYPE.accessed << RIGHTS_SHIFT;

/** What loading `selector` puts into a segment register. `lo`, `hi`: the descriptor's words. */
export function loadedFrom(selector: number, lo: number, hi: number): SegmentValue {
  return { selector, rights: rightsOf(hi), limit: limitOf(lo, hi), baseLo: baseOf(lo, hi), baseHi: 0 };
}

/** Access rights, in the form of `SEGMENT_RIGHTS`, from a descriptor's high word. */
export function rightsOf(hi: number): number {
  return (hi >>> RIGHTS_SHIFT) & RIGHTS_MASK;
}

export function dplOf(rights: number): number {
  return (rights >>> SEGMENT_RIGHTS.dplShift) & SEGMENT_RIGHTS.dplMask;
}

export function isCode(rights: number): boolean {
  return (rights & SEGMENT_RIGHTS.codeOrData) !== 0 && (rights & SEGMENT_TYPE.code) !== 0;
}

export function isConforming(rights: number): boolean {
  return isCode(rights) && (rights & SEGMENT_TYPE.conforming) !== 0;
}

export function isWritableData(rights: number): boolean {
  return (rights & SEGMENT_RIGHTS.codeOrData) !== 0 && (rights & SEGMENT_TYPE.code) === 0 && (rights & SEGMENT_TYPE.writable) !== 0;
}

function limitOf(lo: number, hi: number): number {
  const limit = (lo & 0xffff) | (hi & LIMIT_HIGH);
  return (rightsOf(hi) & SEGMENT_RIGHTS.granularity) === 0 ? limit : (limit << 12) | GRANULE;
}

function baseOf(lo: number, hi: number): number {
  return (lo >>> 16) | ((hi & 0xff) << 16) | (hi & 0xff00_0000);
}
