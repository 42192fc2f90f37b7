import { ACTOR_AT, CPU_AT, field, KIND, KIND_AT, RECORD_WORDS } from './eventTable';
import { RECORD } from '../paging/walkResult';
import type { TranslationSpace } from '../paging/translationSpace';

/*
 * Words of a reference: 0  7:0 level, 15:8 space, 23:16 actor, 31:24 guest level   1  15:0 index, 23:16 CPU, 24 nested
 *   2  linear address (pair)   4  the entry (pair)   6  its host-physical address (pair)
 *   8  address of the entry as the walk has it; in a nested walk, whose entries are where they are, the address walked (pair)
 *
 * A walk like an earlier one, but for its last entry, has the words of one reference too:
 *
 *   0  number of its pattern   1  15:0 index of the last entry, 25 set   2, 4, 8  as above: of the last entry; the address walked
 */
const REFERENCE_WORDS = 10;
const GVA = 2;
const VALUE = 4;
const HPA = 6;
const ADDRESS = 8;
const SPACE_AT = 8;
const ACTOR_SHIFT = 16;
const GUEST_LEVEL_AT = 24;
const CPU_SHIFT = 16;
const NESTED = 1 << 24;
const WHOLE_WALK = 1 << 25;
const INDEX_MASK = 0xffff;
const PAGE_MASK = 0xfff;
/** log2 of an entry's bytes. */
const ENTRY_SHIFT = 3;
/** So many patterns more than what the ring has could need: then those of walks that gave way are forgotten. */
const PATTERNS = 1024;
const BYTE = 0xff;

/** An entry that a walk has read, and where: a host-physical address. */
export interface EntryRead {
  readonly hpaLo: number;
  readonly hpaHi: number;
  readonly lo: number;
  readonly hi: number;
}

/**
 * The latest references of walks, packed as they come and made events of when somebody asks: to record each costs a few
 * stores, where telling a listener of it costs a call and a record. The oldest give way to the newest.
 */
export class ReferenceRing {
  private readonly words: Int32Array;
  private at = 0;
  /** How many references and whole walks were recorded, those that gave way among them. */
  added = 0;
  /** References of walks, word for word, by number: what whole walks are like. */
  private readonly patterns = new Map<number, readonly Int32Array[]>();
  private lastPattern = 0;
  /** Another one whenever patterns were forgotten, and of each ring: what names them by number holds good as long as it stays. */
  era = {};

  /** `capacity`: how many references it holds. */
  constructor(private readonly capacity: number) {
    this.words = new Int32Array(capacity * REFERENCE_WORDS);
  }

  /** How many references it has. */
  get length(): number {
    return Math.min(this.recorded(), this.capacity);
  }

  /** The entry of a level that a walk of `space` has just read; `index`: its place in its table. */
  add(space: TranslationSpace, level: number, index: number): void {
    const { words, at } = this;
    const { result } = space;
    const { levels } = result;
    const { isNested } = space;
    words[at] = level | space.tableSpace << SPACE_AT | space.actor << ACTOR_SHIFT | space.servedLevel << GUEST_LEVEL_AT;
    words[at + 1] = index | space.cpu << CPU_SHIFT | (isNested === 0 ? 0 : NESTED);
    words[at + GVA] = space.servedLo;
    words[at + GVA + 1] = space.servedHi;
    words[at + VALUE] = levels[RECORD.entryLo + level]!;
    words[at + VALUE + 1] = levels[RECORD.entryHi + level]!;
    words[at + HPA] = levels[RECORD.entryHpaLo + level]!;
    words[at + HPA + 1] = levels[RECORD.entryHpaHi + level]!;
    words[at + ADDRESS] = isNested === 0 ? levels[RECORD.entryAddressLo + level]! : result.addressLo;
    words[at + ADDRESS + 1] = isNested === 0 ? levels[RECORD.entryAddressHi + level]! : result.addressHi;
    this.added++;
    this.at = at + REFERENCE_WORDS === words.length ? 0 : at + REFERENCE_WORDS;
  }

  /** A walk as the pattern has it, which read this last entry: of the linear address `gva`, by tables that walked (lo, hi). */
  addWalk(
    pattern: number, index: number, gvaLo: number, gvaHi: number, entryLo: number, entryHi: number, lo: number, hi: number,
  ): void {
    const { words, at } = this;
    words[at] = pattern;
    words[at + 1] = index | WHOLE_WALK;
    words[at + GVA] = gvaLo;
    words[at + GVA + 1] = gvaHi;
    words[at + VALUE] = entryLo;
    words[at + VALUE + 1] = entryHi;
    words[at + ADDRESS] = lo;
    words[at + ADDRESS + 1] = hi;
    this.added++;
    this.at = at + REFERENCE_WORDS === words.length ? 0 : at + REFERENCE_WORDS;
  }

  /**
   * The entries that the walk recorded since `added` was `before` has read by its own tables and on the way to them, the last
   * one last; none where the ring has no room for it. `isNested`: 1 of nested tables, else 0.
   */
  entriesSince(before: number, isNested: number): EntryRead[] {
    const { words } = this;
    return this.walkSince(before, isNested).map((at) => ({
      hpaLo: words[at + HPA]!, hpaHi: words[at + HPA + 1]!, lo: words[at + VALUE]!, hi: words[at + VALUE + 1]!,
    }));
  }

  /** The number of a pattern of that walk, for others like it. */
  patternSince(before: number, isNested: number): number {
    if (this.patterns.size >= this.capacity + PATTERNS) this.forgetUnused();
    const pattern = this.walkSince(before, isNested).map((at) => this.words.slice(at, at + REFERENCE_WORDS));
    this.patterns.set(++this.lastPattern, pattern);
    return this.lastPattern;
  }

  /** Where the references of a walk are; behind nested tables without those of its final address. */
  private walkSince(before: number, isNested: number): number[] {
    const { words, capacity } = this;
    if (this.added - before > capacity) return [];
    const found: number[] = [];
    for (let n = before; n < this.added; n++) {
      const at = (n % capacity) * REFERENCE_WORDS;
      const isFinal = (words[at + 1]! & NESTED) !== 0 && words[at]! >> GUEST_LEVEL_AT === 0;
      if (isNested !== 0 || !isFinal) found.push(at);
    }
    return found;
  }

  private forgetUnused(): void {
    const used = new Set<number>();
    for (let at = 0; at < this.words.length; at += REFERENCE_WORDS) if ((this.words[at + 1]! & WHOLE_WALK) !== 0) used.add(this.words[at]!);
    for (const pattern of this.patterns.keys()) if (!used.has(pattern)) this.patterns.delete(pattern);
    this.era = {};
  }

  /** Hands out the references as the `table_read` events that they are, the oldest first; `record` is reused by the next. */
  events(visit: (record: Int32Array) => void): void {
    let skipped = this.recorded() - this.length;
    const record = new Int32Array(RECORD_WORDS);
    for (const at of this.places()) {
      for (const reference of this.referencesAt(at)) {
        if (skipped-- > 0) continue;
        decode(reference, record);
        visit(record);
      }
    }
  }

  /** References in what the ring still has, which are more than `capacity` where whole walks are among it. */
  private recorded(): number {
    let count = 0;
    for (const at of this.places()) count += this.patternAt(at)?.length ?? 1;
    return count;
  }

  /** Where in `words` what is still there begins, the oldest first. */
  private places(): number[] {
    const count = Math.min(this.added, this.capacity);
    return Array.from({ length: count }, (_, n) => ((this.added - count + n) % this.capacity) * REFERENCE_WORDS);
  }

  private patternAt(at: number): readonly Int32Array[] | undefined {
    return (this.words[at + 1]! & WHOLE_WALK) === 0 ? undefined : this.patterns.get(this.words[at]!);
  }

  private referencesAt(at: number): readonly Int32Array[] {
    const walk = this.words.subarray(at, at + REFERENCE_WORDS);
    return this.patternAt(at)?.map((like, n, all) => likeness(like, walk, all.length - 1 - n, isNestedOne(all.at(-1)!))) ?? [walk];
  }

  /** Forgets what it has. */
  clear(): void {
    this.at = 0;
    this.added = 0;
  }
}

/** A reference of a walk that is like another one: `after` are behind it; `isNested`: the walk is one of nested tables. */
function likeness(like: Int32Array, walk: Int32Array, after: number, isNested: boolean): Int32Array {
  const made = like.slice();
  const index = walk[1]! & INDEX_MASK;
  const inTable = (at: number): void => { made[at] = made[at]! & ~PAGE_MASK | index << ENTRY_SHIFT; };
  made.set(walk.subarray(GVA, GVA + 2), GVA);
  if (isNested) made.set(walk.subarray(ADDRESS, ADDRESS + 2), ADDRESS);
  // What the nested walk to the guest's last entry translates is that entry's address.
  else if (after === 0 || isNestedOne(like) && like[0]! >> GUEST_LEVEL_AT === 1) inTable(ADDRESS);
  if (after !== 0) return made;
  made[1] = made[1]! & ~INDEX_MASK | index;
  made.set(walk.subarray(VALUE, VALUE + 2), VALUE);
  inTable(HPA);
  return made;
}

function isNestedOne(reference: Int32Array): boolean {
  return (reference[1]! & NESTED) !== 0;
}

/** Makes the event of a reference, into a record. */
function decode(reference: Int32Array, record: Int32Array): void {
  const isNested = isNestedOne(reference);
  const pair = (to: number, from: number): void => record.set(reference.subarray(from, from + 2), to);
  record.fill(0);
  record[KIND_AT] = KIND.table_read;
  record[ACTOR_AT] = (reference[0]! >>> ACTOR_SHIFT) & BYTE;
  record[CPU_AT] = (reference[1]! >>> CPU_SHIFT) & BYTE;
  record[field.level.at] = reference[0]! & BYTE;
  record[field.space.at] = (reference[0]! >>> SPACE_AT) & BYTE;
  record[field.index.at] = reference[1]! & INDEX_MASK;
  pair(field.gva.at, GVA);
  pair(field.value.at, VALUE);
  pair(field.hpa.at, HPA);
  pair(field.address.at, isNested ? HPA : ADDRESS);
  if (!isNested) return;
  pair(field.gpa.at, ADDRESS);
  // Sign-extended: there may be no guest level at all.
  record[field.guestLevel.at] = reference[0]! >> GUEST_LEVEL_AT;
}
