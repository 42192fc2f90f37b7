import type { PhysicalMemory } from '../memory/physicalMemory';
import { fillLong4, fillLong5 } from '../paging/specialized/straightFills';
import { SPECIALIZED } from '../paging/specialized/specializedWalk';
import { NOT_STRAIGHT } from '../paging/specialized/walkEndings';
import type { TranslationSpace } from '../paging/translationSpace';
import { USUAL_WAYS } from './cachedLines';
import type { Tlb } from './tlb';
import type { TranslationCaches } from './translationCaches';

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
  /** Is the TLB one that the fills are for? */
  private declare readonly isUsual: 0 | 1;

  constructor(space: TranslationSpace, caches: TranslationCaches, counters: Float64Array) {
    const { l1, l2, hits } = caches;
    this.space = space;
    this.memory = space.memory;
    this.permissions = space.permissions;
    this.counters = counters;
    this.tlb = l1;
    this.lines = l1.words;
    this.clockAt = l1.clockAt;
    this.recent = hits.words;
    this.isUsual = l2 === undefined && l1.ways === USUAL_WAYS && l1.setMask >= 0 ? 1 : 0;
  }

  /** FILLED, and where the byte is stands in `hpaLo`, `hpaHi`; or NOT_STRAIGHT. While nobody listens to misses. */
  fill(lo: number, hi: number, access: number): number {
    if (this.isUsual === 0) return NOT_STRAIGHT;
    const { specialized } = this.space;
    if (specialized === SPECIALIZED.long4) return fillLong4(this, lo, hi, access);
    return specialized === SPECIALIZED.long5 ? fillLong5(this, lo, hi, access) : NOT_STRAIGHT;
  }
}
