import type { PhysicalMemory } from '../../memory/physicalMemory';
import type { TranslationSpace } from '../translationSpace';

/*
 * Words of a row: where walks through one 2-MByte region of addresses read their last entry.
 *
 *   0  31:21 of the region's address; 20:0 stamp, which stands for the root of the tables and the context   1  63:32 of the address
 *   2  memory's `structureVersion`
 *   3  AND of the entries above the last one: low halves, high halves as rights have them
 *   5  index in memory's arena of the table with the last entries   6  nested references
 */
export const ROW_WORDS_SHIFT = 3;
export const ROW = { regionHi: 1, version: 2, andLo: 3, andHi: 4, table: 5, nestedReferences: 6 } as const;
export const REGION_SHIFT = 21;
const CONTEXT_AT = 20;
const CONTEXTS = 127;
const STAMPS = 1 << REGION_SHIFT;
const ROWS = 1024;
/** Of the compiled masks of reserved bits: entries of level 1. */
const SMALLEST_LEAF = 3;

/** What rows hold good for besides their key. */
interface Context {
  readonly compiled: object;
  readonly accessedDirty: number;
  readonly nested: object | undefined;
  readonly nestedRootLo: number;
  readonly nestedRootHi: number;
  readonly nestedAccessedDirty: number;
  readonly nestedTableAccess: number;
  readonly nestedPermissions: number;
}

/** The stamp of each root that tables were walked from in a context, by its address as an exact integer. */
type Stamps = Map<number, number>;

/**
 * What the entries above the last level said of late, so that a generated walk reads the last one alone and comes to the
 * same: an accelerator and no cache of the processor. A row is made of entries that were present and legal; memory changes
 * its `structureVersion` at the first write to any of them, by whomever, and then no row holds good. So a walk that uses
 * one stands for as many references as the row names, and nobody can tell them apart.
 *
 * Derived: it is not in the registry, and going back in time changes the version too.
 */
export class RememberedTables {
  /** Made at the first row that is remembered: most spaces never walk so. */
  rows = new Int32Array(1 << ROW_WORDS_SHIFT);
  mask = 0;
  /** Number of the context in force, where word 3 has it. */
  context = 0;
  /** What rows that hold good have in word 0 beside the region. Never 0. */
  stamp = 1;
  /** Bits that are reserved in an entry which maps a page of the smallest size. */
  reservedLo = 0;
  reservedHi = 0;
  /** Another one whenever contexts are numbered anew: what names one of them holds good as long as it stays. */
  era = {};
  private readonly contexts: Context[] = [];
  /** By context. */
  private readonly stamps: Stamps[] = [];
  private lastStamp = 0;

  /** Says what the walks that follow depend on besides memory. For whoever changes a space. */
  useContext({ compiled, accessedDirty, nested, rootLo, rootHi }: TranslationSpace): void {
    const now: Context = {
      compiled, accessedDirty,
      nested: nested?.compiled,
      nestedRootLo: nested?.rootLo ?? 0,
      nestedRootHi: nested?.rootHi ?? 0,
      nestedAccessedDirty: nested?.accessedDirty ?? 0,
      nestedTableAccess: nested?.tableAccess ?? 0,
      nestedPermissions: nested?.permissionsVersion ?? 0,
    };
    let known = this.contexts.findIndex((context) => isSame(context, now));
    if (known < 0) {
      if (this.contexts.length === CONTEXTS) this.forget();
      known = this.contexts.push(now) - 1;
      this.stamps.push(new Map());
    }
    this.context = known << CONTEXT_AT;
    this.stamp = this.stampOf(known, now, rootHi * 2 ** 32 + (rootLo >>> 0));
    this.reservedLo = compiled.reservedLo[SMALLEST_LEAF]!;
    this.reservedHi = compiled.reservedHi[SMALLEST_LEAF]!;
  }

  private stampOf(known: number, context: Context, root: number): number {
    const stamp = this.stamps[known]!.get(root);
    if (stamp !== undefined) return stamp;
    if (this.lastStamp === STAMPS - 1) {
      this.forget();
      this.contexts.push(context);
      this.stamps.push(new Map());
      this.context = 0;
    }
    this.stamps[this.context >> CONTEXT_AT]!.set(root, ++this.lastStamp);
    return this.lastStamp;
  }

  /** Of contexts and roots: their numbers are given anew. */
  private forget(): void {
    this.contexts.length = 0;
    this.stamps.length = 0;
    this.lastStamp = 0;
    this.era = {};
    this.rows.fill(0);
  }

  /** Remembers the table at `table` of memory's arena; the caller has memory watch the entries that led to it. */
  remember(
    lo: number, hi: number, memory: PhysicalMemory, andLo: number, andHi: number, table: number, nestedReferences: number,
  ): void {
    if (this.mask === 0) {
      this.rows = new Int32Array(ROWS << ROW_WORDS_SHIFT);
      this.mask = ROWS - 1;
    }
    const { rows } = this;
    const row = ((lo >>> REGION_SHIFT) & this.mask) << ROW_WORDS_SHIFT;
    rows[row] = lo & -(1 << REGION_SHIFT) | this.stamp;
    rows[row | ROW.regionHi] = hi;
    rows[row | ROW.version] = memory.structureVersion;
    rows[row | ROW.andLo] = andLo;
    rows[row | ROW.andHi] = andHi;
    rows[row | ROW.table] = table;
    rows[row | ROW.nestedReferences] = nestedReferences;
  }
}

function isSame(a: Context, b: Context): boolean {
  return a.compiled === b.compiled && a.accessedDirty === b.accessedDirty && a.nested === b.nested
    && a.nestedRootLo === b.nestedRootLo && a.nestedRootHi === b.nestedRootHi && a.nestedAccessedDirty === b.nestedAccessedDirty
    && a.nestedTableAccess === b.nestedTableAccess && a.nestedPermissions === b.nestedPermissions;
}
