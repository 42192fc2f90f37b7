import type { PhysicalMemory } from '../../memory/physicalMemory';
import type { TranslationSpace } from '../translationSpace';

/*
 * Words of a row: where walks through one 2-MByte region of addresses read their last entry.
 *
 *   0  address of the region (pair)   2  root of the tables, low half
 *   3  19:0 root of the tables, high half; 26:20 context; 31:27 nested references
 *   4  AND of the entries above the last one: low halves, high halves as rights have them
 *   6  index in memory's arena of the table with the last entries   7  memory's `structureVersion`
 */
export const ROW_WORDS_SHIFT = 3;
export const ROW = { regionHi: 1, rootLo: 2, root: 3, andLo: 4, andHi: 5, table: 6, version: 7 } as const;
export const REGION_SHIFT = 21;
/** Of word 3: what must be as it is, and where the nested references are. */
export const ROOT_MASK = 0x07ff_ffff;
export const NESTED_REFERENCES_AT = 27;
const CONTEXT_AT = 20;
const CONTEXTS = 127;
const ROWS = 1024;

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
  private readonly contexts: Context[] = [];

  /** Says what the walks that follow depend on besides memory. For whoever changes a space. */
  useContext({ compiled, accessedDirty, nested }: TranslationSpace): void {
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
      if (this.contexts.length === CONTEXTS) {
        this.contexts.length = 0;
        this.rows.fill(0);
      }
      known = this.contexts.push(now) - 1;
    }
    this.context = known << CONTEXT_AT;
  }

  /** Remembers the table at `table` of memory's arena; the caller has memory watch the entries that led to it. */
  remember(
    lo: number, hi: number, space: TranslationSpace, memory: PhysicalMemory, andLo: number, andHi: number, table: number, nestedReferences: number,
  ): void {
    if (this.mask === 0) {
      this.rows = new Int32Array(ROWS << ROW_WORDS_SHIFT);
      this.mask = ROWS - 1;
    }
    const { rows } = this;
    const row = ((lo >>> REGION_SHIFT) & this.mask) << ROW_WORDS_SHIFT;
    rows[row] = lo & -(1 << REGION_SHIFT);
    rows[row + ROW.regionHi] = hi;
    rows[row + ROW.rootLo] = space.rootLo;
    rows[row + ROW.root] = space.rootHi | this.context | nestedReferences << NESTED_REFERENCES_AT;
    rows[row + ROW.andLo] = andLo;
    rows[row + ROW.andHi] = andHi;
    rows[row + ROW.table] = table;
    rows[row + ROW.version] = memory.structureVersion;
  }
}

function isSame(a: Context, b: Context): boolean {
  return a.compiled === b.compiled && a.accessedDirty === b.accessedDirty && a.nested === b.nested
    && a.nestedRootLo === b.nestedRootLo && a.nestedRootHi === b.nestedRootHi && a.nestedAccessedDirty === b.nestedAccessedDirty
    && a.nestedTableAccess === b.nestedTableAccess && a.nestedPermissions === b.nestedPermissions;
}
