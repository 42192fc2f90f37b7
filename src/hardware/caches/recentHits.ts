/*
 * Words of an entry, by the low bits of the 4-KByte page's number:
 *
 *   0  linear address of the page (pair)   2  version of the TLB that it is of   3  access (ACCESS) that was allowed
 *   4  word of the TLB line's time of use   5  host-physical page (pair)   7  the page's first word in memory's arena
 */
const ENTRY_SHIFT = 3;
const ENTRIES = 256;
const PAGE_SHIFT = 12;
const PAGE_BASE = ~0xfff;

/** Index of an address's entry. */
export function recentHitAt(lo: number): number {
  return ((lo >>> PAGE_SHIFT) & (ENTRIES - 1)) << ENTRY_SHIFT;
}

export const RECENT = { pageLo: 0, pageHi: 1, version: 2, access: 3, used: 4, hpaLo: 5, hpaHi: 6, word: 7 } as const;

/**
 * Loads that hit the TLB, remembered with all that judging them came to: until a line is made or dropped, or registers
 * change, the same page needs no second judgement. It is derived: nobody sees it, and without it all comes out the same.
 */
export class RecentHits {
  readonly words = new Int32Array(ENTRIES << ENTRY_SHIFT);

  /** `used`: index of the line's time of use; `word`: of the page's first word in memory's arena, not 0. */
  remember(lo: number, hi: number, version: number, access: number, used: number, hpaLo: number, hpaHi: number, word: number): void {
    const { words } = this;
    const at = recentHitAt(lo);
    words[at + RECENT.pageLo] = lo & PAGE_BASE;
    words[at + RECENT.pageHi] = hi;
    words[at + RECENT.version] = version;
    words[at + RECENT.access] = access;
    words[at + RECENT.used] = used;
    words[at + RECENT.hpaLo] = hpaLo & PAGE_BASE;
    words[at + RECENT.hpaHi] = hpaHi;
    words[at + RECENT.word] = word;
  }
}
