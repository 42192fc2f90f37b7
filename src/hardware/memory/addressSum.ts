/** High half of the address (lo, hi) + `offset`, a number of bytes below 4 GBytes; the low half is `lo + offset | 0`. */
export function sumHi(lo: number, hi: number, offset: number): number {
  return hi + ((lo >>> 0) + offset > 0xffff_ffff ? 1 : 0) | 0;
}
