/** Bits of an entry's, or of CR3's, high half that belong to the address of a frame. */
const ADDRESS_HI = 0xfffff;

/** Number of the 4-KByte frame that holds address (lo, hi). As an int32 it reaches to 16 TBytes, past what is ever installed. */
export function frameOfAddress(lo: number, hi: number): number {
  return (lo >>> 12) | (hi << 20);
}

/** Number of the frame that a paging-structure entry, or CR3, names: bits 51:12. */
export function frameInEntry(lo: number, hi: number): number {
  return (lo >>> 12) | ((hi & ADDRESS_HI) << 20);
}
