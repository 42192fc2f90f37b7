import type { PhysicalMemory } from '../memory/physicalMemory';
import { fillLong4, fillLong4BehindEpt4, fillLong4BehindNpt4, fillLong5 } from '../paging/specialized/straightFills';
import { CACHED, SPECIALIZED } from '../paging/specialized/specializedWalk';
import { NOT_STRAIGHT } from '../paging/specialized/walkEndings';
import type { TranslationSpace } from '../paging/translationSpace';
import { USUAL_WAYS } from './cachedLines';
import type { Tlb } from './tlb';
import type { TranslationCaches } from './translationCaches';
import type { PagingStructureCache } from './walkCaches';

/** Level of the entries whose tables map pages of 4 KBytes. */
const PDE = 2;

/**
 * What generated fills work on, at hand in one object, and what they found. A fill stands for search, walk and `Tlb.add`
 * together, and comes to the same; nobody can tell which of them it was.
 */
export class StraightMiss {
  /** Of the page's byte. */
  hpaLo = 0;
  hpaHi = 0;
  // Declared, so that the constructor's is the first value they have, and the compiler knows of what kind they always are.
  declare readonly space: TranslationSpace;
  declare readonly memory: PhysicalMemory;
  declare readonly permissions: Uint8Array;
  declare readonly counters: Float64Array;
  declare readonly tlb: Tlb;
  /** Words of the TLB, of its clock in them, and of what loads found in it of late. */
  declare readonly lines: Int32Array;
  declare readonly clockAt: number;
  declare readonly recent: Int32Array;
  /** PDE caches of both dimensions, and the nested TLB: where there are caches of what walks read. */
  declare readonly structures: PagingStructureCache | undefined;
  declare readonly nestedStructures: PagingStructureCache | undefined;
  declare readonly nestedTlb: Tlb | undefined;
  /** Is the TLB one that the fills are for? Is the nested one? */
  private declare readonly isUsual: 0 | 1;
  private declare readonly isNestedUsual: 0 | 1;

  constructor(space: TranslationSpace, caches: TranslationCaches, counters: Float64Array) {
    const { l1, l2, hits, linearWalk, nestedWalk, nestedTlb } = caches;
    this.space = space;
    this.memory = space.memory;
    this.permissions = space.permissions;
    this.counters = counters;
    this.tlb = l1;
    this.lines = l1.words;
    this.clockAt = l1.clockAt;
    this.recent = hits.words;
    this.structures = linearWalk?.levels[PDE];
    this.nestedStructures = nestedWalk?.levels[PDE];
    this.nestedTlb = nestedTlb;
    this.isUsual = l2 === undefined && isUsual(l1) ? 1 : 0;
    this.isNestedUsual = nestedTlb !== undefined && isUsual(nestedTlb) ? 1 : 0;
  }

  /** FILLED, and where the byte is stands in `hpaLo`, `hpaHi`; or NOT_STRAIGHT. While nobody listens to misses. */
  fill(lo: number, hi: number, access: number): number {
    if (this.isUsual === 0) return NOT_STRAIGHT;
    const { specialized } = this.space;
    if (specialized === SPECIALIZED.long4) return fillLong4(this, lo, hi, access);
    if (specialized === SPECIALIZED.long5) return fillLong5(this, lo, hi, access);
    if (this.isNestedUsual === 0) return NOT_STRAIGHT;
    if (specialized === (CACHED | SPECIALIZED.long4BehindEpt4)) return fillLong4BehindEpt4(this, lo, hi, access);
    return specialized === (CACHED | SPECIALIZED.long4BehindNpt4) ? fillLong4BehindNpt4(this, lo, hi, access) : NOT_STRAIGHT;
  }
}

function isUsual({ ways, setMask }: Tlb): boolean {
  return ways === USUAL_WAYS && setMask >= 0;
}
