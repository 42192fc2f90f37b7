import type { StateClaims } from '../../hardware/state/registry';
import type { TrackedWords } from '../../hardware/state/trackedWords';
import { LARGE_FRAMES } from '../host/hostFrames';
import { SpteLists } from './links';

/** Words of one shadow page's record. */
const PAGE_WORDS = 8;
const GFN = 0;
const ROLE = 1;
const FRAME = 2;
const HASH_NEXT = 3;
const PARENTS = 4;
const ROOT_COUNT = 5;
const IN_USE = 6;
const AGE = 7;

/** Values of IN_USE. */
const FOUND = 1;
const OBSOLETE = 2;

const BUCKETS = 256;
const ENTRIES = 512;

const FREE_HEAD = 0;
const NEXT_FRESH = 1;
const USED = 2;
const CLOCK = 3;

/**
 * The shadow pages (KVM's `struct kvm_mmu_page`): found by a hash of the guest frame and an equal
 * role. Page numbers start at 1; 0 is "none". A guest frame may have several shadow pages, one per
 * role: that is how one table used at two levels, or below entries of different rights, is told
 * apart.
 */
export class ShadowPages {
  /** Reverse maps by guest frame, and parent lists by shadow page. */
  readonly lists: SpteLists;
  private readonly pages: Int32Array;
  private readonly buckets: Int32Array;
  private readonly head: Int32Array;
  private readonly reverseMaps: TrackedWords;
  /** KVM's shadowed_translation: the guest frame that each SPTE of a page maps, for leaves. Large, as 512 words a page. */
  private readonly translations: TrackedWords;

  /** `limit`: how many shadow pages may exist at once; `guestFrames`: frames up to the end of the last slot there is at first. */
  constructor(registry: StateClaims, readonly limit: number, guestFrames: number) {
    this.pages = registry.block('shadow.pages', (limit + 1) * PAGE_WORDS);
    this.buckets = registry.block('shadow.hash', BUCKETS);
    this.head = registry.block('shadow.pool', 4);
    this.reverseMaps = registry.tracked('shadow.rmap', placeOf(guestFrames, 1));
    this.translations = registry.tracked('shadow.translation', ENTRIES);
    this.lists = new SpteLists(registry);
    this.head[NEXT_FRESH] = 1;
  }

  /** The shadow page of (gfn, role), or 0. */
  find(gfn: number, role: number): number {
    let page = this.buckets[bucketOf(gfn)]!;
    while (page !== 0 && !(this.gfnOf(page) === gfn && this.roleOf(page) === role)) page = this.word(page, HASH_NEXT);
    return page;
  }

  /** The next shadow page of `gfn` after `page` (0: the first), of whatever role; 0: no more. */
  nextOf(gfn: number, page: number): number {
    let next = page === 0 ? this.buckets[bucketOf(gfn)]! : this.word(page, HASH_NEXT);
    while (next !== 0 && this.gfnOf(next) !== gfn) next = this.word(next, HASH_NEXT);
    return next;
  }

  /** Bucket of the hash that a page is in. Of one that is not obsolete. */
  bucketOf(page: number): number {
    return bucketOf(this.gfnOf(page));
  }

  /** The pages in a bucket, in the order in which they are looked at. */
  chainOf(bucket: number): readonly number[] {
    const chain: number[] = [];
    for (let page = this.buckets[bucket]!; page !== 0; page = this.word(page, HASH_NEXT)) chain.push(page);
    return chain;
  }

  isFull(): boolean {
    return this.head[USED]! >= this.limit;
  }

  get used(): number {
    return this.head[USED]!;
  }

  /** Enters a new shadow page, whose table is in host frame `frame`. The pool must not be full. */
  insert(gfn: number, role: number, frame: number): number {
    let page = this.head[FREE_HEAD]!;
    if (page !== 0) this.head[FREE_HEAD] = this.word(page, HASH_NEXT);
    else page = this.head[NEXT_FRESH]!++;
    const bucket = bucketOf(gfn);
    this.pages.set([gfn, role, frame, this.buckets[bucket]!, 0, 0, FOUND, this.head[CLOCK]!++], page * PAGE_WORDS);
    this.buckets[bucket] = page;
    this.head[USED]!++;
    return page;
  }

  /** Takes a page out of hash and pool. Nothing may refer to it any more. */
  remove(page: number): void {
    if (!this.isObsolete(page)) this.unhash(page);
    this.pages.fill(0, page * PAGE_WORDS, (page + 1) * PAGE_WORDS);
    this.pages[page * PAGE_WORDS + HASH_NEXT] = this.head[FREE_HEAD]!;
    this.head[FREE_HEAD] = page;
    this.head[USED]!--;
  }

  /**
   * A root in use is to be found no more and stands for nothing of its guest frame's (KVM's `role.invalid`): it goes when no CPU
   * has it as root.
   */
  makeObsolete(page: number): void {
    this.unhash(page);
    this.pages[page * PAGE_WORDS + IN_USE] = OBSOLETE;
  }

  isObsolete(page: number): boolean {
    return this.word(page, IN_USE) === OBSOLETE;
  }

  /** The oldest page that is no root in use, or 0: first in, first out. */
  oldest(): number {
    let oldest = 0;
    for (let page = 1; page < this.head[NEXT_FRESH]!; page++) {
      if (!this.isInUse(page) || this.rootCount(page) > 0) continue;
      if (oldest === 0 || this.word(page, AGE) < this.word(oldest, AGE)) oldest = page;
    }
    return oldest;
  }

  /** Highest page number ever given: for listing them. */
  get end(): number {
    return this.head[NEXT_FRESH]!;
  }

  isInUse(page: number): boolean {
    return this.word(page, IN_USE) !== 0;
  }

  gfnOf(page: number): number {
    return this.word(page, GFN);
  }

  roleOf(page: number): number {
    return this.word(page, ROLE);
  }

  /** Host frame of its table. */
  frameOf(page: number): number {
    return this.word(page, FRAME);
  }

  /** Head of the list of entries that lead to it. */
  parents(page: number): number {
    return this.word(page, PARENTS);
  }

  setParents(page: number, list: number): void {
    this.pages[page * PAGE_WORDS + PARENTS] = list;
  }

  /** How many CPUs have it as root. */
  rootCount(page: number): number {
    return this.word(page, ROOT_COUNT);
  }

  addRoot(page: number, by: number): void {
    this.pages[page * PAGE_WORDS + ROOT_COUNT]! += by;
  }

  /** Guest frame that leaf `index` of `page` maps: the frame behind it may back others too, or another one by now. */
  leafGfn(page: number, index: number): number {
    return this.translations.words[page * ENTRIES + index]!;
  }

  setLeafGfn(page: number, index: number, gfn: number): void {
    this.translations.ensure((page + 1) * ENTRIES);
    this.translations.write(page * ENTRIES + index, gfn);
  }

  /** Head of the list of leaf entries of `level` (1; 2: of large pages) that map guest frame `gfn`. */
  reverseMap(gfn: number, level = 1): number {
    return this.reverseMaps.words[placeOf(gfn, level)] ?? 0;
  }

  setReverseMap(gfn: number, level: number, list: number): void {
    const place = placeOf(gfn, level);
    this.reverseMaps.ensure(place + 1);
    this.reverseMaps.write(place, list);
  }

  private unhash(page: number): void {
    const bucket = bucketOf(this.gfnOf(page));
    if (this.buckets[bucket] === page) {
      this.buckets[bucket] = this.word(page, HASH_NEXT);
      return;
    }
    let before = this.buckets[bucket]!;
    while (this.word(before, HASH_NEXT) !== page) before = this.word(before, HASH_NEXT);
    this.pages[before * PAGE_WORDS + HASH_NEXT] = this.word(page, HASH_NEXT);
  }

  private word(page: number, at: number): number {
    return this.pages[page * PAGE_WORDS + at]!;
  }
}

/** Reverse maps of 2 MBytes: one for each frame, and that of the large page. */
function placeOf(gfn: number, level: number): number {
  const large = Math.floor(gfn / LARGE_FRAMES);
  return large * (LARGE_FRAMES + 1) + (level === 1 ? gfn % LARGE_FRAMES : LARGE_FRAMES);
}

function bucketOf(gfn: number): number {
  return (gfn ^ (gfn >>> 8)) & (BUCKETS - 1);
}
