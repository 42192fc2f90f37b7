import { ACCESS_WRITES } from '../paging/accessKinds';
import { RIGHTS_BITS } from '../paging/accessRights';
import { CachedLines, type LineSettings } from './cachedLines';
import { KIND } from '../events/eventTable';
import { lineRights } from './lineLayout';
import type { StateClaims } from '../state/registry';
import { reportNestedTlb, reportStructureCache } from '../events/walkEvents';
import { rightsOfEntry } from '../paging/entryRights';
import type { Tlb } from './tlb';
import type { TranslationSpace } from '../paging/translationSpace';
import type { WalkCache } from '../paging/walkCache';
import { WALK } from '../paging/walkOutcome';
import { RECORD } from '../paging/walkResult';

export interface WalkCacheSettings {
  readonly pde: LineSettings;
  readonly pdpte: LineSettings;
  readonly pml4e: LineSettings;
  readonly pml5e: LineSettings;
  readonly nestedTlb: LineSettings;
}

/** About what processors have; no manual says. */
export const WALK_CACHES: WalkCacheSettings = {
  pde: { entries: 32, ways: 4 },
  pdpte: { entries: 4, ways: 4 },
  pml4e: { entries: 2, ways: 2 },
  pml5e: { entries: 2, ways: 2 },
  nestedTlb: { entries: 64, ways: 4 },
};

// The tables by name are looked up once, not at each walk.
const NESTED_TLB_HIT = KIND.nested_tlb_hit;
const NESTED_TLB_FILL = KIND.nested_tlb_fill;
const STRUCTURE_HIT = KIND.structure_cache_hit;
const STRUCTURE_FILL = KIND.structure_cache_fill;
const PAGE_BASE = ~0xfff;
const LOWEST = 2;
const ENTRY_LO = RECORD.entryLo;
const ENTRY_HI = RECORD.entryHi;
const ENTRY_ADDRESS_LO = RECORD.entryAddressLo;
const ENTRY_ADDRESS_HI = RECORD.entryAddressHi;
const ENTRY_HPA_LO = RECORD.entryHpaLo;
const ENTRY_HPA_HI = RECORD.entryHpaHi;

/** A cache for the entries of one level: each line is the way from the root to one table, taken at once. */
export class PagingStructureCache extends CachedLines {
  private readonly regionShift: number;

  constructor(registry: StateClaims, name: string, settings: LineSettings, shifts: readonly number[]) {
    super(registry, name, settings, shifts);
    this.regionShift = shifts[0]!;
  }

  /** Line of an address, or -1; makes it the most recently used of its set. */
  lookup(lo: number, hi: number): number {
    const line = this.peek(lo, hi);
    if (line >= 0) this.touch(line);
    return line;
  }

  /**
   * `shift`: of the level. `rights`: AND of those of the entries used so far; `pageRights`: of the table's page, by EPT. The
   * next table: as the entry has it, and host-physical. Comes back with the line.
   */
  fill(
    lo: number, hi: number, shift: number, rights: number, pageRights: number,
    tableLo: number, tableHi: number, hpaLo: number, hpaHi: number,
  ): number {
    const at = this.place(lo, hi, shift, shift, 0, lineRights(rights, pageRights, 0));
    this.leadTo(at, hpaLo, hpaHi, tableLo, tableHi);
    const line = this.lineAt(at);
    if (shift === this.regionShift && shift < 32) this.hint(lo, line);
    return line;
  }
}

/**
 * The PDE, PDPTE, PML4E and PML5E caches of one dimension, and of the nested one the nested TLB. SDM Vol. 3, "Caches for
 * Paging Structures", "Using the Paging-Structure Caches to Translate Linear Addresses", "Creating and Using Cached
 * Translation Information".
 *
 * Lines are made of walks that ended mapped only: their entries are present, have no reserved bit and no
 * misconfiguration, and their accessed flags are 1. Behind EPT a line of the guest's dimension is a combined mapping: it
 * has the host-physical address of the next table, which is then reached without a nested walk.
 */
export class WalkCaches implements WalkCache {
  tableLo = 0;
  tableHi = 0;
  hpaLo = 0;
  hpaHi = 0;
  rights = 0;
  /** Line of the nested TLB that `answer` found for the address that is being walked, or -1. */
  private known = -1;
  /** By level; entries of level 1 map pages and are the TLB's. */
  readonly levels: readonly (PagingStructureCache | undefined)[];

  /** `nestedTlb`: for the nested dimension. */
  constructor(registry: StateClaims, name: string, settings: WalkCacheSettings, readonly nestedTlb?: Tlb) {
    this.levels = [
      undefined,
      undefined,
      new PagingStructureCache(registry, `${name}.pde`, settings.pde, [21, 22]),
      new PagingStructureCache(registry, `${name}.pdpte`, settings.pdpte, [30]),
      new PagingStructureCache(registry, `${name}.pml4e`, settings.pml4e, [39]),
      new PagingStructureCache(registry, `${name}.pml5e`, settings.pml5e, [48]),
    ];
  }

  answer(space: TranslationSpace, lo: number, hi: number, access: number): number {
    const tlb = this.nestedTlb;
    if (tlb === undefined) return 0;
    const line = tlb.lookup(lo, hi);
    this.known = line;
    if (line < 0) return 0;
    const rights = tlb.rights(line);
    // What a line withholds is looked up again: nobody need invalidate for rights that were raised.
    if (space.permissions[(access << RIGHTS_BITS) | rights] === 0) return 0;
    if ((access & ACCESS_WRITES) !== 0 && !tlb.isDirty(line)) return 0;
    const { result } = space;
    const shift = tlb.shift(line);
    const offset = lo & ((1 << shift) - 1);
    result.top = 0;
    result.level = 0;
    result.rights = rights;
    result.hpaLo = tlb.hpaLo(line) | offset;
    result.hpaHi = tlb.hpaHi(line);
    result.gpaLo = result.hpaLo;
    result.gpaHi = result.hpaHi;
    result.pageShift = shift;
    result.effectiveShift = shift;
    result.global = 0;
    result.key = 0;
    result.dirty = tlb.isDirty(line) ? 1 : 0;
    result.outcome = WALK.mapped;
    if (space.bus.on[NESTED_TLB_HIT] !== 0) reportNestedTlb(space, NESTED_TLB_HIT, line);
    return 1;
  }

  start(space: TranslationSpace, lo: number, hi: number): number {
    const top = space.compiled.levels;
    for (let level = LOWEST; level <= top; level++) {
      const cache = this.levels[level]!;
      const line = cache.lookup(lo, hi);
      if (line < 0) continue;
      this.tableLo = cache.targetLo(line);
      this.tableHi = cache.targetHi(line);
      this.hpaLo = cache.hpaLo(line);
      this.hpaHi = cache.hpaHi(line);
      this.rights = cache.rights(line);
      const { pageRights } = space.tables;
      if (pageRights !== undefined) pageRights[level - 1] = cache.eptRights(line);
      if (space.bus.on[STRUCTURE_HIT] !== 0) reportStructureCache(space, STRUCTURE_HIT, level, line, this.tableLo, this.tableHi);
      return level - 1;
    }
    return 0;
  }

  fill(space: TranslationSpace): void {
    this.fillStructures(space);
    this.fillPage(space);
  }

  fillStructures(space: TranslationSpace): void {
    const { compiled, result, tables } = space;
    const { on } = space.bus;
    const { levels } = result;
    const lo = result.addressLo;
    const hi = result.addressHi;
    let rights = result.top === compiled.levels ? compiled.allRights : this.rights;
    for (let level = result.top; level > result.level && level >= LOWEST; level--) {
      if (level === compiled.registerLevel) continue;
      rights &= rightsOfEntry(compiled, levels[ENTRY_LO + level]!, levels[ENTRY_HI + level]!) | compiled.impliedRights[level]!;
      const below = level - 1;
      const cache = this.levels[level]!;
      const tableLo = levels[ENTRY_ADDRESS_LO + below]! & PAGE_BASE;
      const tableHi = levels[ENTRY_ADDRESS_HI + below]!;
      const line = cache.fill(
        lo, hi, compiled.shifts[level]!, rights, tables.pageRights === undefined ? 0 : tables.pageRights[below]!,
        tableLo, tableHi, levels[ENTRY_HPA_LO + below]! & PAGE_BASE, levels[ENTRY_HPA_HI + below]!);
      if (on[STRUCTURE_FILL] !== 0) reportStructureCache(space, STRUCTURE_FILL, level, line, tableLo, tableHi);
    }
  }

  fillPage(space: TranslationSpace): void {
    const { nestedTlb } = this;
    if (nestedTlb === undefined) return;
    const { result } = space;
    const { addressLo, addressHi } = result;
    const made = this.known < 0 ? nestedTlb.add(addressLo, addressHi, result) : nestedTlb.fill(addressLo, addressHi, result);
    if (space.bus.on[NESTED_TLB_FILL] !== 0) reportNestedTlb(space, NESTED_TLB_FILL, made);
  }
}
