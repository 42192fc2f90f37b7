/** Bits of an entry's, or of CR3's, high half that belong to the address of a frame. */
const ADDRESS_HI = 0xfffff;
/** Of these, the bits that a number of 32 bits has no room for: the frame lies at or above 16 TBytes, past what is ever installed. */
const BEYOND_HI = ADDRESS_HI & ~0xfff;

/** Number of every frame that a number of 32 bits cannot tell: no memory and no slot has it. */
export const FAR_FRAME = -1;

/** Number of the 4-KByte frame that holds address (lo, hi), as an int32; `FAR_FRAME` where none is ever installed. */
export function frameOfAddress(lo: number, hi: number): number {
  return (hi & BEYOND_HI) === 0 ? (lo >>> 12) | (hi << 20) : FAR_FRAME;
}

/** Number of the frame that a paging-structure entry, or CR3, names: bits 51:12; as `frameOfAddress`. */
export function frameInEntry(lo: number, hi: number): number {
  return frameOfAddress(lo, hi & ADDRESS_HI);
}
