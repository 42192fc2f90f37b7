import type { StateClaims } from '../../hardware/state/registry';
import type { SpteWatcher } from '../shadowEntries';
import type { Sptes } from '../shadowWp/sptes';

const BITMAP_WORDS = 16;
const UNSYNC = 0;
const FLOODING = 1;
const CHILDREN = 2;
const WORDS = CHILDREN + BITMAP_WORDS;

/**
 * Which shadow pages are out of step with the guest's tables (KVM's `unsync`), where such are to be found (a bit for each
 * entry of the pages above them, KVM's `unsync_child_bitmap`), and how often a page was written since it was last used
 * (`write_flooding_count`). A bit may outlive what it tells of, and is then cleared in passing; it is never missing.
 */
export class UnsyncPages implements SpteWatcher {
  private readonly words: Int32Array;

  /** `limit`: how many shadow pages there may be. */
  constructor(registry: StateClaims, limit: number, private readonly sptes: Sptes) {
    this.words = registry.block('shadow.unsync', (limit + 1) * WORDS);
  }

  isUnsync(page: number): boolean {
    return this.words[page * WORDS + UNSYNC] !== 0;
  }

  /** Is entry `index` of `page` marked as one that leads to an unsync page? */
  isMarked(page: number, index: number): boolean {
    return ((this.words[this.wordAt(page, index)]! >>> (index & 31)) & 1) !== 0;
  }

  /** Is a page below `page` unsync? */
  hasUnsyncBelow(page: number): boolean {
    const at = page * WORDS + CHILDREN;
    return this.words.subarray(at, at + BITMAP_WORDS).some((word) => word !== 0);
  }

  /** Marks the page, and in all pages above it the entries that lead to it. */
  mark(page: number): void {
    this.words[page * WORDS + UNSYNC] = 1;
    this.markParents(page);
  }

  clear(page: number): void {
    this.words[page * WORDS + UNSYNC] = 0;
  }

  /** The next unsync page below `page`, or 0. */
  below(page: number): number {
    for (let index = this.nextBit(page, 0); index >= 0; index = this.nextBit(page, index + 1)) {
      const child = this.sptes.childOf(page, index);
      if (child === 0) continue;
      if (this.isUnsync(child)) return child;
      const found = this.below(child);
      if (found !== 0) return found;
    }
    return 0;
  }

  /** Clears the bits below `page` that lead to nothing unsync. */
  tidy(page: number): void {
    for (let index = this.nextBit(page, 0); index >= 0; index = this.nextBit(page, index + 1)) {
      const child = this.sptes.childOf(page, index);
      if (child !== 0) this.tidy(child);
      if (child === 0 || !this.isUnsync(child) && !this.hasUnsyncBelow(child)) this.words[this.wordAt(page, index)]! &= ~(1 << (index & 31));
    }
  }

  /** Writes to the table behind the page since it was last used. */
  floodingOf(page: number): number {
    return this.words[page * WORDS + FLOODING]!;
  }

  setFlooding(page: number, count: number): void {
    this.words[page * WORDS + FLOODING] = count;
  }

  linked(page: number, index: number, child: number): void {
    if (this.isUnsync(child) || this.hasUnsyncBelow(child)) this.markEntry(page, index);
  }

  removed(page: number): void {
    this.words.fill(0, page * WORDS, (page + 1) * WORDS);
  }

  private markParents(page: number): void {
    this.sptes.forEachParent(page, (parent, index) => this.markEntry(parent, index));
  }

  private markEntry(page: number, index: number): void {
    const at = this.wordAt(page, index);
    const bit = 1 << (index & 31);
    if ((this.words[at]! & bit) !== 0) return;
    this.words[at]! |= bit;
    this.markParents(page);
  }

  private wordAt(page: number, index: number): number {
    return page * WORDS + CHILDREN + (index >>> 5);
  }

  /** The first entry from `index` on that is marked, or -1. */
  private nextBit(page: number, index: number): number {
    for (let at = index; at < BITMAP_WORDS * 32; at++) {
      if (this.isMarked(page, at)) return at;
    }
    return -1;
  }
}
