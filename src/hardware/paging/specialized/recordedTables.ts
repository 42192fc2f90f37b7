import type { PhysicalMemory } from '../../memory/physicalMemory';
import type { EntryRead, ReferenceRing } from '../../events/referenceRing';
import type { TranslationSpace } from '../translationSpace';
import { REGION_SHIFT } from './rememberedTables';

/*
 * Words of a row: where walks through one 2-MByte region of addresses read their last entry, and all that the ring says of them.
 *
 *   0  address of the region (pair)   2  root of the tables, low half   3  its high half, context and whose tables (`keyOf`)
 *   4  memory's `structureVersion`    5  number of the ring's pattern, or 0: walks of the region were seen, not learned
 *   6  index in memory's arena of the table with the last entries
 */
const ROW_SHIFT = 3;
const REGION_HI = 1;
const ROOT_LO = 2;
const KEY = 3;
const VERSION = 4;
const PATTERN = 5;
const TABLE = 6;
const ROWS = 1024;
const SPACE_AT = 28;

/**
 * What walks through a region of addresses have the ring record, all but the last entry, as long as nobody writes to one of
 * the entries above it: memory watches those, as it does for `RememberedTables`. Derived, and of one ring at a time.
 */
export class RecordedTables {
  private rows = new Int32Array(0);
  /** Of the ring that the patterns are of, and of the contexts that rows are keyed by. */
  private era = {};
  private contexts = {};

  /** The row that tells of an address, or -1: then walks of its region are to be seen again before they are learned. */
  find(space: TranslationSpace, ring: ReferenceRing, lo: number, hi: number): number {
    const { rows } = this;
    const row = rowOf(lo);
    return this.era === ring.era && this.contexts === space.remembered.era && this.isOf(row, space, lo, hi) && rows[row + PATTERN] !== 0 ? row : -1;
  }

  /** Was a walk of the address's region seen since an entry above the last level was last written? From here on it was. */
  wasSeen(space: TranslationSpace, ring: ReferenceRing, lo: number, hi: number): boolean {
    if (this.era !== ring.era || this.contexts !== space.remembered.era) {
      this.era = ring.era;
      this.contexts = space.remembered.era;
      this.rows = new Int32Array(ROWS << ROW_SHIFT);
    }
    const row = rowOf(lo);
    if (this.isOf(row, space, lo, hi)) return true;
    this.write(row, space, lo, hi, 0, 0);
    return false;
  }

  /** Takes a pattern of the ring for the walks of the address's region; `table`: index in memory's arena of their last table. */
  learn(space: TranslationSpace, lo: number, hi: number, pattern: number, table: number): void {
    this.write(rowOf(lo), space, lo, hi, pattern, table);
  }

  /** Number of the ring's pattern. */
  pattern(row: number): number { return this.rows[row + PATTERN]!; }

  /** Index in memory's arena of the last entry that a walk of an address reads. */
  lastEntry(row: number, lo: number): number {
    return this.rows[row + TABLE]! | (lo >>> 11) & 0x3fe;
  }

  private isOf(row: number, space: TranslationSpace, lo: number, hi: number): boolean {
    const { rows } = this;
    return rows[row] === (lo & -(1 << REGION_SHIFT)) && rows[row + REGION_HI] === hi && rows[row + ROOT_LO] === space.rootLo
      && rows[row + KEY] === keyOf(space) && rows[row + VERSION] === space.memory.structureVersion;
  }

  private write(row: number, space: TranslationSpace, lo: number, hi: number, pattern: number, table: number): void {
    const { rows } = this;
    rows[row] = lo & -(1 << REGION_SHIFT);
    rows[row + REGION_HI] = hi;
    rows[row + ROOT_LO] = space.rootLo;
    rows[row + KEY] = keyOf(space);
    rows[row + VERSION] = space.memory.structureVersion;
    rows[row + PATTERN] = pattern;
    rows[row + TABLE] = table;
  }
}

function rowOf(lo: number): number {
  return ((lo >>> REGION_SHIFT) & (ROWS - 1)) << ROW_SHIFT;
}

/** High half of the root, the context that `RememberedTables` has a number for, and whose tables the events say it is. */
function keyOf(space: TranslationSpace): number {
  return space.rootHi | space.remembered.context | space.tableSpace << SPACE_AT;
}

/** Has memory watch entries that were read; false: one of them has no words, or a flag of it was set since. */
export function watchEntries(memory: PhysicalMemory, entries: readonly EntryRead[]): boolean {
  const isAsRead = ({ hpaLo, hpaHi, lo, hi }: EntryRead): boolean => {
    const word = memory.wordAt(hpaLo, hpaHi);
    return word !== 0 && memory.words[word] === lo && memory.words[word + 1] === hi;
  };
  if (!entries.every(isAsRead)) return false;
  for (const { hpaLo, hpaHi } of entries) memory.watch(memory.wordAt(hpaLo, hpaHi));
  return true;
}
