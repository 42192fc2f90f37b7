import { ACCESS, ACCESS_KIND_MASK, ACCESS_WRITES } from '../paging/accessKinds';
import { COUNTER } from '../state/counters';
import { RIGHTS_BITS } from '../paging/accessRights';
import { PFEC, pageFaultErrorCode } from '../paging/pageFaultErrorCode';
import { KIND } from '../events/eventTable';
import type { PhysicalMemory } from '../memory/physicalMemory';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorSpaces } from '../processor/processorSpaces';
import { keyRefuses } from '../paging/protectionKeys';
import type { Invalidations } from './invalidations';
import type { RecentHits } from './recentHits';
import { FILLED } from '../paging/specialized/walkEndings';
import { StraightMiss } from './straightMiss';
import type { Tlb } from './tlb';
import { BYPASS, type TranslationCaches } from './translationCaches';
import type { TranslationSpace } from '../paging/translationSpace';
import { walk } from '../paging/walk';
import { EFFECTS, WALK } from '../paging/walkOutcome';

/** The parts of a processor that translate. */
export interface TranslatorParts {
  readonly memory: PhysicalMemory;
  readonly spaces: ProcessorSpaces;
  readonly caches: TranslationCaches;
  readonly invalidations: Invalidations;
  readonly counters: Float64Array;
  readonly events: ProcessorEvents;
  /** Is a refusal by what is cached looked up anew, or is it the fault? */
  readonly rewalkOnPermissionFault: 'on' | 'off';
}

// The tables by name are looked up once, not at each access.
const TLB_HIT = KIND.tlb_hit;
const STALE_TLB_HIT = KIND.stale_tlb_hit;
const TLB_MISS = KIND.tlb_miss;
const TLB_FILL = KIND.tlb_fill;
const TLB_HITS = COUNTER['tlb.hits'];
const TLB_MISSES = COUNTER['tlb.misses'];
const PAGE_BASE = ~0xfff;

/** A line's rights allow the access, refuse it by the guest's tables, or must be looked up anew. */
const LINE = { allows: 0, refuses: 1, rewalk: 2 } as const;

/**
 * A linear address to a host-physical one, through the TLB and, on a miss, the walk: for canonical addresses. Fields
 * hold what was found until the next translation.
 */
export class Translator {
  hpaLo = 0;
  hpaHi = 0;
  /** Error code of a page fault, and the level that raised it (0: a TLB line did). */
  errorCode = 0;
  level = 0;

  // Declared, so that the constructor's is the first value they have, and the compiler knows of what kind they always are.
  private declare readonly space: TranslationSpace;
  private declare readonly caches: TranslationCaches;
  declare readonly tlb: Tlb;
  private declare readonly counters: Float64Array;
  private declare readonly events: ProcessorEvents;
  /** Which events are wanted: asked here, so that one nobody wants costs no call. */
  private declare readonly on: Uint8Array;
  private declare readonly memory: PhysicalMemory;

  /** What loads that hit came to of late. */
  declare readonly recent: RecentHits;
  /** Misses that need no more than one entry; to be asked while nobody listens to them. */
  declare readonly straight: StraightMiss;

  constructor(private readonly parts: TranslatorParts) {
    this.space = parts.spaces.linear;
    this.caches = parts.caches;
    this.tlb = parts.caches.l1;
    this.recent = parts.caches.hits;
    this.counters = parts.counters;
    this.events = parts.events;
    this.on = parts.events.on;
    this.memory = parts.memory;
    this.straight = new StraightMiss(this.space, parts.caches, parts.counters);
  }

  /** Does each access exit before anything is looked up? */
  get isIntercepted(): boolean {
    return this.caches.bypassed === BYPASS.intercepted;
  }

  /**
   * A `WALK` outcome. EPT events leave their particulars in the linear space's result. A refusal drops what is cached of
   * the address, so that it does not come again unless the tables call for it.
   */
  translate(lo: number, hi: number, access: number): number {
    const { tlb, straight } = this;
    const hinted = tlb.hinted(lo, hi);
    if (hinted < 0 && this.space.bus.quietMisses !== 0 && straight.fill(lo, hi, access) === FILLED) {
      this.hpaLo = straight.hpaLo;
      this.hpaHi = straight.hpaHi;
      return WALK.mapped;
    }
    const line = hinted >= 0 ? hinted : tlb.search(lo, hi);
    return line < 0 ? this.miss(lo, hi, access) : this.hit(line, lo, hi, access);
  }

  /** As `translate`, for an address that no line of the TLB's first level maps. */
  miss(lo: number, hi: number, access: number): number {
    const { space, caches, counters, on } = this;
    if (caches.l2 !== undefined) {
      const line = this.lookupL2(lo, hi);
      if (line >= 0) return this.judged(line, lo, hi, access);
    }
    if (caches.bypassed !== BYPASS.not) return this.bypass(space, lo, hi, access);
    counters[TLB_MISSES]!++;
    if (on[TLB_MISS] !== 0) this.events.tlbMiss(lo, hi);
    const outcome = walk(space, lo, hi, access, EFFECTS.hardware);
    if (outcome !== WALK.mapped) return this.refuseByWalk(space, outcome, lo, hi, access);
    const { result } = space;
    const filled = caches.add(lo, hi, result);
    if (on[TLB_FILL] !== 0) this.events.tlbFill(this.tlb, filled, lo, hi, result.level);
    this.hpaLo = result.hpaLo;
    this.hpaHi = result.hpaHi;
    return WALK.mapped;
  }

  /** As `translate`, for an address that a line of the TLB's first level was found to map. */
  hit(line: number, lo: number, hi: number, access: number): number {
    this.tlb.touch(line);
    return this.judged(line, lo, hi, access);
  }

  private judged(line: number, lo: number, hi: number, access: number): number {
    const { space, counters } = this;
    counters[TLB_HITS]!++;
    if (this.on[TLB_HIT] !== 0) this.events.tlbHit(this.tlb, line, lo, hi);
    const verdict = this.judge(space, line, access);
    if (this.on[STALE_TLB_HIT] !== 0) this.reportIfStale(verdict, line, lo, hi, access);
    if (verdict === LINE.allows) {
      this.take(line, lo);
      if ((access & ACCESS_KIND_MASK) === ACCESS.read) this.remember(line, lo, hi, access);
      return WALK.mapped;
    }
    if (verdict === LINE.refuses && this.parts.rewalkOnPermissionFault === 'off') {
      return this.refuse(this.refuseByLine(space, line, access), lo, hi);
    }
    const outcome = walk(space, lo, hi, access, EFFECTS.hardware);
    if (outcome !== WALK.mapped) return this.refuseByWalk(space, outcome, lo, hi, access);
    return this.filled(space, this.caches.fill(lo, hi, space.result), lo, hi);
  }

  /**
   * Tells of a hit that comes to something else than a walk of the tables in force would: nobody has invalidated the line
   * since they changed. SDM Vol. 3, "Recommended Invalidation". A line that is looked up anew decides nothing.
   */
  private reportIfStale(verdict: number, line: number, lo: number, hi: number, access: number): void {
    const isRefused = verdict === LINE.refuses;
    if (verdict === LINE.rewalk || isRefused && this.parts.rewalkOnPermissionFault === 'on') return;
    const { inspection } = this.parts.spaces;
    const outcome = walk(inspection, lo, hi, access, EFFECTS.none);
    const isMapped = outcome === WALK.mapped;
    const { hpaLo, hpaHi } = inspection.result;
    const offset = lo & ((1 << this.tlb.shift(line)) - 1);
    const isSame = isRefused ? !isMapped : isMapped && hpaLo === (this.tlb.hpaLo(line) | offset) && hpaHi === this.tlb.hpaHi(line);
    if (!isSame) this.events.staleTlbHit(this.tlb, line, lo, hi, outcome, isMapped ? hpaLo : 0, isMapped ? hpaHi : 0);
  }

  private filled(space: TranslationSpace, filled: number, lo: number, hi: number): number {
    const { result } = space;
    if (this.on[TLB_FILL] !== 0) this.events.tlbFill(this.tlb, filled, lo, hi, result.level);
    this.hpaLo = result.hpaLo;
    this.hpaHi = result.hpaHi;
    return WALK.mapped;
  }

  /** L1 line of an address that L2 has, or -1. */
  private lookupL2(lo: number, hi: number): number {
    const { l2 } = this.caches;
    if (l2 === undefined) return -1;
    const source = l2.lookup(lo, hi);
    if (source < 0) return -1;
    this.events.tlbL2Hit(l2, source, lo, hi);
    return this.tlb.refill(lo, hi, l2, source);
  }

  /** Without paging and nested tables there is nothing to look up and nothing to cache; nor where root mode makes each access. */
  private bypass(space: TranslationSpace, lo: number, hi: number, access: number): number {
    if (this.caches.bypassed === BYPASS.intercepted) {
      space.result.access = access;
      return WALK.intercepted;
    }
    const outcome = walk(space, lo, hi, access, EFFECTS.hardware);
    this.hpaLo = space.result.hpaLo;
    this.hpaHi = space.result.hpaHi;
    this.errorCode = space.result.errorCode;
    this.level = space.result.level;
    return outcome;
  }

  /** A refusal that paging-structure caches had a part in is looked up anew where refusals by TLB lines are. */
  private refuseByWalk(space: TranslationSpace, outcome: number, lo: number, hi: number, access: number): number {
    this.errorCode = space.result.errorCode;
    this.level = space.result.level;
    if (this.parts.rewalkOnPermissionFault === 'off' || !startedBelowRoot(space)) return this.refuse(outcome, lo, hi);
    this.refuse(outcome, lo, hi);
    const again = walk(space, lo, hi, access, EFFECTS.hardware);
    if (again === WALK.mapped) return this.filled(space, this.caches.fill(lo, hi, space.result), lo, hi);
    this.errorCode = space.result.errorCode;
    this.level = space.result.level;
    return this.refuse(again, lo, hi);
  }

  private refuse(outcome: number, lo: number, hi: number): number {
    this.parts.invalidations.byRefusal(outcome, lo, hi);
    return outcome;
  }

  /**
   * The guest's own rights and keys come first, as in a walk. A write through a clean line walks again to set the
   * dirty flag; rights that nested tables withhold are looked up again, since raising them needs no INVEPT.
   */
  private judge(space: TranslationSpace, line: number, access: number): number {
    const { tlb } = this;
    const rights = tlb.rights(line);
    if (space.permissions[(access << RIGHTS_BITS) | rights] === 0) return LINE.refuses;
    if (space.keys !== 0 && keyRefuses(space, tlb.key(line), rights, access)) return LINE.refuses;
    if ((access & ACCESS_WRITES) !== 0 && !tlb.isDirty(line)) return LINE.rewalk;
    const nested = space.nested;
    if (nested === undefined) return LINE.allows;
    const nestedAccess = (access & ACCESS_KIND_MASK) | nested.finalAccess | ((rights << 1) & nested.userAddressMask);
    return nested.permissions[(nestedAccess << RIGHTS_BITS) | tlb.eptRights(line)] === 0 ? LINE.rewalk : LINE.allows;
  }

  /** SDM Vol. 3, "Propagation of Paging-Structure Changes to Multiple Processors": a stale right may fault once. */
  private refuseByLine(space: TranslationSpace, line: number, access: number): number {
    const { tlb } = this;
    const refusedByKey = keyRefuses(space, tlb.key(line), tlb.rights(line), access);
    this.errorCode = pageFaultErrorCode(access, refusedByKey ? PFEC.P | PFEC.PK : PFEC.P, space.reportsFetch);
    this.level = 0;
    return WALK.pageFault;
  }

  /** Of a load that hit: whoever makes the next one from the page need not ask again. */
  private remember(line: number, lo: number, hi: number, access: number): void {
    const { tlb, hpaLo, hpaHi } = this;
    const word = this.memory.wordAt(hpaLo & PAGE_BASE, hpaHi);
    if (word !== 0) this.recent.remember(lo, hi, (access & ACCESS.user) === 0 ? 0 : 1, tlb.usedAt(line), hpaLo, hpaHi, word);
  }

  private take(line: number, lo: number): void {
    const offset = lo & ((1 << this.tlb.shift(line)) - 1);
    this.hpaLo = this.tlb.hpaLo(line) | offset;
    this.hpaHi = this.tlb.hpaHi(line);
  }
}

/** Did the walk that was refused, of either dimension, leave entries unread because they were cached? */
function startedBelowRoot({ result, compiled, nested }: TranslationSpace): boolean {
  return result.top < compiled.levels || nested !== undefined && nested.result.top < nested.compiled.levels;
}
