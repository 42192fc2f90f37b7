import type { StateClaims } from '../../hardware/state/registry';
import type { TrackedWords } from '../../hardware/state/trackedWords';

/** Words of one link: host-physical address of a shadow entry (low, high half) and the next link. */
const LINK_WORDS = 3;
const FREE_HEAD = 0;
const NEXT_FRESH = 1;

/**
 * Lists of shadow entries, by the words that head them: reverse maps (guest frame to the SPTEs
 * that map it) and parent lists (shadow page to the SPTEs that lead to it). A list is a chain of
 * links from one pool; link 0 is "none".
 */
export class SpteLists {
  private readonly pool: TrackedWords;
  private readonly head: Int32Array;

  constructor(registry: StateClaims) {
    this.pool = registry.tracked('shadow.links', LINK_WORDS * 256);
    this.head = registry.block('shadow.links_free', 2);
    this.head[NEXT_FRESH] = 1;
  }

  /** A new list that starts with the entry at (lo, hi) and goes on with `list`; gives its head. */
  prepend(list: number, lo: number, hi: number): number {
    let link = this.head[FREE_HEAD]!;
    if (link !== 0) {
      this.head[FREE_HEAD] = this.next(link);
    } else {
      link = this.head[NEXT_FRESH]!++;
      this.pool.ensure((link + 1) * LINK_WORDS);
    }
    this.pool.write(link * LINK_WORDS, lo);
    this.pool.write(link * LINK_WORDS + 1, hi);
    this.pool.write(link * LINK_WORDS + 2, list);
    return link;
  }

  /** `list` without the entry at (lo, hi); gives the new head. */
  remove(list: number, lo: number, hi: number): number {
    let before = 0;
    for (let link = list; link !== 0; link = this.next(link)) {
      if (this.lo(link) !== lo || this.hi(link) !== hi) {
        before = link;
        continue;
      }
      const after = this.next(link);
      this.pool.write(link * LINK_WORDS + 2, this.head[FREE_HEAD]!);
      this.head[FREE_HEAD] = link;
      if (before === 0) return after;
      this.pool.write(before * LINK_WORDS + 2, after);
      return list;
    }
    throw new Error('invariant: a shadow entry is not on the list that should name it');
  }

  lo(link: number): number {
    return this.pool.words[link * LINK_WORDS]!;
  }

  hi(link: number): number {
    return this.pool.words[link * LINK_WORDS + 1]!;
  }

  next(link: number): number {
    return this.pool.words[link * LINK_WORDS + 2]!;
  }
}
