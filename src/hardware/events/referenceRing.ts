import { ACTOR_AT, CPU_AT, field, KIND, KIND_AT, RECORD_WORDS } from './eventTable';
import { RECORD } from '../paging/walkResult';
import type { TranslationSpace } from '../paging/translationSpace';

/*
 * Words of a reference: 0  7:0 level, 15:8 space, 23:16 actor, 31:24 guest level   1  15:0 index, 23:16 CPU, 24 nested
 *   2  linear address (pair)   4  the entry (pair)   6  its host-physical address (pair)
 *   8  address of the entry as the walk has it; in a nested walk, whose entries are where they are, the address walked (pair)
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
const BYTE = 0xff;

/**
 * The latest references of walks, packed as they come and made events of when somebody asks: to record each costs a few
 * stores, where telling a listener of it costs a call and a record. The oldest give way to the newest.
 */
export class ReferenceRing {
  private readonly words: Int32Array;
  private at = 0;
  /** How many were recorded, those that gave way among them. */
  private recorded = 0;

  /** `capacity`: how many references it holds. */
  constructor(private readonly capacity: number) {
    this.words = new Int32Array(capacity * REFERENCE_WORDS);
  }

  /** How many references it has. */
  get length(): number {
    return Math.min(this.recorded, this.capacity);
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
    this.recorded++;
    this.at = at + REFERENCE_WORDS === words.length ? 0 : at + REFERENCE_WORDS;
  }

  /** Hands out the references as the `table_read` events that they are, the oldest first; `record` is reused by the next. */
  events(visit: (record: Int32Array) => void): void {
    const { words, length } = this;
    const record = new Int32Array(RECORD_WORDS);
    const first = this.at - length * REFERENCE_WORDS;
    for (let n = 0; n < length; n++) {
      const at = (first + n * REFERENCE_WORDS + words.length) % words.length;
      const isNested = (words[at + 1]! & NESTED) !== 0;
      const pair = (to: number, from: number): void => record.set(words.subarray(at + from, at + from + 2), to);
      record.fill(0);
      record[KIND_AT] = KIND.table_read;
      record[ACTOR_AT] = (words[at]! >>> ACTOR_SHIFT) & BYTE;
      record[CPU_AT] = (words[at + 1]! >>> CPU_SHIFT) & BYTE;
      record[field.level.at] = words[at]! & BYTE;
      record[field.space.at] = (words[at]! >>> SPACE_AT) & BYTE;
      record[field.index.at] = words[at + 1]! & 0xffff;
      pair(field.gva.at, GVA);
      pair(field.value.at, VALUE);
      pair(field.hpa.at, HPA);
      pair(field.address.at, isNested ? HPA : ADDRESS);
      if (isNested) {
        pair(field.gpa.at, ADDRESS);
        // Sign-extended: there may be no guest level at all.
        record[field.guestLevel.at] = words[at]! >> GUEST_LEVEL_AT;
      }
      visit(record);
    }
  }

  /** Forgets what it has. */
  clear(): void {
    this.at = 0;
    this.recorded = 0;
  }
}
