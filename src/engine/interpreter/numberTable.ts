import type { Registry } from '../../hardware/state/registry';
import type { TrackedWords } from '../../hardware/state/trackedWords';

/** Words of one slot: table + 1 (0: free), key (low, high), value (low, high). */
const SLOT_WORDS = 5;
const FIRST_CAPACITY = 256;

const CAPACITY = 0;
const USED = 1;

/**
 * The scenario's tables (number to number), all in one open-addressed hash in the registry. An
 * absent key reads 0. Nothing is ever taken out: a key set to 0 stays as a slot.
 */
export class NumberTables {
  valueLo = 0;
  valueHi = 0;
  private readonly slots: TrackedWords;
  private readonly head: Int32Array;

  constructor(registry: Registry) {
    this.slots = registry.tracked('tables', FIRST_CAPACITY * SLOT_WORDS);
    this.head = registry.block('tables head', 2);
    this.head[CAPACITY] = FIRST_CAPACITY;
  }

  /** Leaves the value of `table` at the key in valueLo, valueHi. */
  get(table: number, keyLo: number, keyHi: number): void {
    const at = this.find(table, keyLo, keyHi);
    const isThere = this.slots.words[at] !== 0;
    this.valueLo = isThere ? this.slots.words[at + 3]! : 0;
    this.valueHi = isThere ? this.slots.words[at + 4]! : 0;
  }

  set(table: number, keyLo: number, keyHi: number, lo: number, hi: number): void {
    let at = this.find(table, keyLo, keyHi);
    if (this.slots.words[at] === 0) {
      if (++this.head[USED]! * 2 > this.head[CAPACITY]!) {
        this.grow();
        at = this.find(table, keyLo, keyHi);
      }
      this.slots.write(at, table + 1);
      this.slots.write(at + 1, keyLo);
      this.slots.write(at + 2, keyHi);
    }
    this.slots.write(at + 3, lo);
    this.slots.write(at + 4, hi);
  }

  /** Every key of `table` reads 0 from now on. */
  empty(table: number): void {
    for (let at = 0; at < this.head[CAPACITY]! * SLOT_WORDS; at += SLOT_WORDS) {
      if (this.slots.words[at] !== table + 1) continue;
      this.slots.write(at + 3, 0);
      this.slots.write(at + 4, 0);
    }
  }

  /**
   * The least key of `table` that is not below the given one and holds something else than 0, left in valueLo, valueHi;
   * false when there is none.
   */
  next(table: number, keyLo: number, keyHi: number): boolean {
    const { words } = this.slots;
    let found = false;
    for (let at = 0; at < this.head[CAPACITY]! * SLOT_WORDS; at += SLOT_WORDS) {
      if (words[at] !== table + 1 || (words[at + 3]! | words[at + 4]!) === 0) continue;
      if (isBelow(words[at + 1]!, words[at + 2]!, keyLo, keyHi)) continue;
      if (found && !isBelow(words[at + 1]!, words[at + 2]!, this.valueLo, this.valueHi)) continue;
      found = true;
      this.valueLo = words[at + 1]!;
      this.valueHi = words[at + 2]!;
    }
    return found;
  }

  /** Word index of the key's slot, or of the free one where it would go. */
  private find(table: number, keyLo: number, keyHi: number): number {
    const mask = this.head[CAPACITY]! - 1;
    let slot = (Math.imul(keyLo ^ Math.imul(keyHi, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(table + 1, 0xc2b2ae35)) >>> 0;
    for (slot = (slot ^ (slot >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * SLOT_WORDS;
      const words = this.slots.words;
      if (words[at] === 0 || (words[at] === table + 1 && words[at + 1] === keyLo && words[at + 2] === keyHi)) return at;
    }
  }

  private grow(): void {
    const capacity = this.head[CAPACITY]!;
    const old = this.slots.words.slice(0, capacity * SLOT_WORDS);
    this.slots.ensure(capacity * 2 * SLOT_WORDS);
    for (let at = 0; at < old.length; at++) if (this.slots.words[at] !== 0) this.slots.write(at, 0);
    this.head[CAPACITY] = capacity * 2;
    for (let at = 0; at < old.length; at += SLOT_WORDS) {
      if (old[at] === 0) continue;
      const to = this.find(old[at]! - 1, old[at + 1]!, old[at + 2]!);
      for (let i = 0; i < SLOT_WORDS; i++) this.slots.write(to + i, old[at + i]!);
    }
  }
}

function isBelow(lo: number, hi: number, otherLo: number, otherHi: number): boolean {
  return hi >>> 0 < otherHi >>> 0 || (hi === otherHi && lo >>> 0 < otherLo >>> 0);
}
