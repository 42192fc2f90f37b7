import { frameInEntry } from '../hardware/memory/frameNumber';

/*
 * An MMIO entry (KVM's mark_mmio_spte): a last entry that faults on purpose, at each access, and tells the handler at once
 * that no slot held the frame when it was made.
 *
 *     bits    is
 *     2:0     what makes it fault in EPT: W and X without R; elsewhere P, and the rights of the guest's entries: W, U
 *     10:3    generation of the slots, low
 *     50:12   gfn
 *     51      what makes it fault elsewhere: reserved
 *     61:52   generation, high
 */
const GENERATION_LOW_SHIFT = 3;
const GENERATION_LOW_BITS = 8;
const GENERATION_HIGH_SHIFT = 52 - 32;
const GENERATION_BITS = 18;
const GENERATION_HIGH_MASK = (1 << (GENERATION_BITS - GENERATION_LOW_BITS)) - 1;
/** Bits of the high half that are the gfn's. */
const GFN_HI = 0x7ffff;

/** What of the slots' generation an MMIO entry has room for. When it comes round to 0, the entries of old must go. */
export function mmioGeneration(generation: number): number {
  return generation % (1 << GENERATION_BITS);
}

/** Low half of an MMIO entry, but for what makes it fault. */
export function mmioEntryLo(gfn: number, generation: number): number {
  return (gfn << 12) | ((generation & ((1 << GENERATION_LOW_BITS) - 1)) << GENERATION_LOW_SHIFT);
}

export function mmioEntryHi(gfn: number, generation: number): number {
  return (gfn >>> 20) | (((generation >>> GENERATION_LOW_BITS) & GENERATION_HIGH_MASK) << GENERATION_HIGH_SHIFT);
}

/** The gfn of an MMIO entry. */
export function gfnOfMmioEntry(lo: number, hi: number): number {
  return frameInEntry(lo, hi & GFN_HI);
}

/** The generation of an MMIO entry. */
export function generationOfMmioEntry(lo: number, hi: number): number {
  const low = (lo >>> GENERATION_LOW_SHIFT) & ((1 << GENERATION_LOW_BITS) - 1);
  return low | (((hi >>> GENERATION_HIGH_SHIFT) & GENERATION_HIGH_MASK) << GENERATION_LOW_BITS);
}
