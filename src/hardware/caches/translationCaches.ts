import { type CachedLines, MAPPING } from './cachedLines';
import type { InvalidationRow } from './invalidationRows';
import { LineFilter, type Selection } from './lineFilter';
import { RecentHits } from './recentHits';
import type { StateClaims } from '../state/registry';
import { Tlb, type TlbSettings } from './tlb';
import type { WalkResult } from '../paging/walkResult';
import { WalkCaches, type WalkCacheSettings } from './walkCaches';

export interface TranslationCacheSettings {
  readonly l1: TlbSettings;
  /** Left out: there is no second level. */
  readonly l2: TlbSettings | undefined;
  /** Paging-structure caches and the nested TLB; left out: there are none. */
  readonly walk: WalkCacheSettings | undefined;
}

/** What stands behind linear addresses, for the tags of what is cached. */
export interface CacheContext {
  /** VPID or ASID. */
  vpid: number;
  pcid: number;
  behind: 'nothing' | 'EPT' | 'nested paging';
  /** EPTP bits 51:12; 0 without EPT. */
  rootLo: number;
  rootHi: number;
  /** CR0.PG. */
  paging: 'on' | 'off';
  /** CR4.PGE. */
  globals: 'on' | 'off';
  /** Are the guest's accesses intercepted before anything is looked up? Left out: they are made. */
  accesses?: 'made' | 'intercepted';
}

/** Why nothing is looked up: `TranslationCaches.bypassed`. */
export const BYPASS = { not: 0, unpaged: 1, intercepted: 2 } as const;

/** What an invalidating operation names; what its row does not ask for is not looked at. */
export class InvalidationOperands {
  vpid = 0;
  pcid = 0;
  rootLo = 0;
  rootHi = 0;
  /** A linear address, and a guest-physical one. */
  lo = 0;
  hi = 0;
  gpaLo = 0;
  gpaHi = 0;
}

/**
 * All that one logical processor caches of translations. The levels of TLB are neither inclusive nor exclusive: a walk
 * fills both, an L2 line that is hit is copied to L1, and a line replaced in one stays in the other. An operation
 * invalidates in all of them.
 */
export class TranslationCaches {
  readonly l1: Tlb;
  /** What is remembered of loads that hit in it. */
  readonly hits = new RecentHits();
  readonly l2: Tlb | undefined;
  /** Guest-physical mappings of pages. */
  readonly nestedTlb: Tlb | undefined;
  /** Of the space of linear addresses, and of the nested space. */
  readonly linearWalk: WalkCaches | undefined;
  readonly nestedWalk: WalkCaches | undefined;
  /** A `BYPASS`: linear addresses are host-physical, or never translated here, and there is nothing to cache. */
  bypassed: number = BYPASS.not;
  /** For the caller of `invalidate` to set. */
  readonly given = new InvalidationOperands();
  private readonly tlbs: readonly Tlb[];
  private readonly structures: readonly CachedLines[];
  private readonly current = new InvalidationOperands();
  private readonly filter = new LineFilter();

  constructor(registry: StateClaims, name: string, settings: TranslationCacheSettings) {
    this.l1 = new Tlb(registry, name, settings.l1, this.hits);
    if (settings.l2 !== undefined) this.l2 = new Tlb(registry, `${name}.l2`, settings.l2);
    if (settings.walk !== undefined) {
      this.nestedTlb = new Tlb(registry, `${name}.nested`, settings.walk.nestedTlb);
      this.linearWalk = new WalkCaches(registry, name, settings.walk);
      this.nestedWalk = new WalkCaches(registry, `${name}.nested`, settings.walk, this.nestedTlb);
    }
    this.tlbs = [this.l1, this.l2, this.nestedTlb].filter((tlb) => tlb !== undefined);
    this.structures = [this.linearWalk, this.nestedWalk].flatMap((walk) => walk?.levels ?? []).filter((cache) => cache !== undefined);
  }

  /**
   * Says under which tags to look up and fill. With paging off a linear address is a guest-physical one, and is cached
   * as that. SDM Vol. 3, "Creating and Using Cached Translation Information".
   */
  useContext({ vpid, pcid, behind, rootLo, rootHi, paging, globals, accesses = 'made' }: CacheContext): void {
    const { current } = this;
    current.vpid = vpid;
    current.pcid = pcid;
    current.rootLo = rootLo;
    current.rootHi = rootHi;
    // EPT tags guest-physical mappings by the root alone; the ASID stands for a root that nested paging has no tag for.
    const nestedVpid = behind === 'nested paging' ? vpid : 0;
    const asGuestPhysical = paging === 'off' && behind !== 'nothing' && accesses === 'made';
    this.bypassed = accesses === 'intercepted' ? BYPASS.intercepted : paging === 'off' && behind === 'nothing' ? BYPASS.unpaged : BYPASS.not;
    const mapping = this.bypassed !== BYPASS.not ? MAPPING.none : behind === 'nothing' ? MAPPING.linear : MAPPING.combined;
    for (const tlb of this.tlbs) {
      if (tlb === this.nestedTlb || asGuestPhysical) tlb.useContext(nestedVpid, 0, MAPPING.guestPhysical, rootLo, rootHi);
      else tlb.useContext(vpid, pcid, mapping, rootLo, rootHi);
      tlb.useGlobals(globals);
    }
    this.linearWalk?.levels.forEach((cache) => cache?.useContext(vpid, pcid, mapping, rootLo, rootHi));
    this.nestedWalk?.levels.forEach((cache) => cache?.useContext(nestedVpid, 0, MAPPING.guestPhysical, rootLo, rootHi));
  }

  /** Does a TLB map the linear address in the current context? Leaves no trace. */
  holds(lo: number, hi: number): boolean {
    return this.l1.peek(lo, hi) >= 0 || (this.l2?.peek(lo, hi) ?? -1) >= 0;
  }

  /** Takes what a walk found for an address into both levels. Comes back with the L1 line. */
  fill(lo: number, hi: number, found: WalkResult): number {
    this.l2?.fill(lo, hi, found);
    return this.l1.fill(lo, hi, found);
  }

  /** As `fill`, for an address that neither level maps. */
  add(lo: number, hi: number, found: WalkResult): number {
    if (this.l2 !== undefined) this.l2.add(lo, hi, found);
    return this.l1.add(lo, hi, found);
  }

  /** The one way in which anything is invalidated: by a row of `invalidationRows`, with what `given` names. */
  invalidate({ linear, combined, guestPhysical }: InvalidationRow): void {
    const { given } = this;
    if (linear !== undefined) this.drop(MAPPING.linear, linear, given.lo, given.hi);
    if (combined !== undefined) this.drop(MAPPING.combined, combined, given.lo, given.hi);
    if (guestPhysical !== undefined) this.drop(MAPPING.guestPhysical, guestPhysical, given.gpaLo, given.gpaHi);
  }

  private drop(mapping: number, selection: Selection, lo: number, hi: number): void {
    const { filter } = this;
    filter.select(mapping, selection, this.current, this.given);
    filter.pages(selection.translations, lo, hi);
    for (const tlb of this.tlbs) tlb.dropSelected(filter);
    filter.pages(selection.structures, lo, hi);
    for (const cache of this.structures) cache.dropSelected(filter);
  }
}
