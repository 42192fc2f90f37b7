/*
 * Words of an entry, by the low bits of the 4-KByte page's number:
 *
 *   0  31:12 linear address of the page, low half; 11:1 stamp; 0 the access was a user-mode one   1  its high half
 *   2  index in the TLB's words of the line's time of use   3  the page's first word in memory's arena   4  host-physical page (pair)
 */
const ENTRY_SHIFT = 3;
const ENTRIES = 256;
export const PAGE_SHIFT = 12;
const PAGE_BASE = ~0xfff;
const STAMP_STEP = 2;
const STAMP_LIMIT = 1 << PAGE_SHIFT;

/** Index of the entry of an address, by its low half. */
export function recentHitAt(lo: number): number {
  return ((lo >>> PAGE_SHIFT) & (ENTRIES - 1)) << ENTRY_SHIFT;
}

export const RECENT_PAGE_HI = 1;
export const RECENT_USED = 2;
export const RECENT_WORD = 3;
export const RECENT_HPA = 4;

/**
 * Loads that hit the TLB, remembered with all that judging them came to: until their line is dropped, or registers
 * change, the same page needs no second judgement. It is derived: nobody sees it, and without it all comes out the same.
 */
export class RecentHits {
  readonly words = new Int32Array(ENTRIES << ENTRY_SHIFT);
  /** What entries that hold good have in word 0 beside the page; another one makes an end of them all. Never 0. */
  stamp = STAMP_STEP;

  /** `used`: index of the line's time of use; `word`: of the page's first word in memory's arena, not 0. `user`: 1 or 0. */
  remember(lo: number, hi: number, user: number, used: number, hpaLo: number, hpaHi: number, word: number): void {
    const { words } = this;
    const at = recentHitAt(lo);
    words[at] = lo & PAGE_BASE | this.stamp | user;
    words[at | RECENT_PAGE_HI] = hi;
    words[at | RECENT_USED] = used;
    words[at | RECENT_WORD] = word;
    words[at | RECENT_HPA] = hpaLo & PAGE_BASE;
    words[at | RECENT_HPA + 1] = hpaHi;
  }

  /** Forgets everything. */
  renew(): void {
    this.stamp += STAMP_STEP;
    if (this.stamp < STAMP_LIMIT) return;
    this.words.fill(0);
    this.stamp = STAMP_STEP;
  }
}
