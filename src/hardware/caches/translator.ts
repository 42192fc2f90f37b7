import { ACCESS_KIND_MASK, ACCESS_WRITES } from '../paging/accessKinds';
import { COUNTER } from '../state/counters';
import { RIGHTS_BITS } from '../paging/accessRights';
import { PFEC, pageFaultErrorCode } from '../paging/pageFaultErrorCode';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorSpaces } from '../processor/processorSpaces';
import { keyRefuses } from '../paging/protectionKeys';
import type { Tlb } from './tlb';
import type { TranslationSpace } from '../paging/translationSpace';
import { walk } from '../paging/walk';
import { EFFECTS, WALK } from '../paging/walkOutcome';

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

  constructor(
    private readonly spaces: ProcessorSpaces, private readonly tlb: Tlb, private readonly counters: Float64Array,
    private readonly events: ProcessorEvents, private readonly rewalkOnPermissionFault: 'on' | 'off',
  ) {}

  /** A `WALK` outcome. EPT events leave their particulars in the linear space's result. */
  translate(lo: number, hi: number, access: number): number {
    const { tlb, counters } = this;
    const space = this.spaces.linear;
    const line = tlb.lookup(lo, hi);
    if (line < 0) {
      counters[COUNTER['tlb.misses']]!++;
      this.events.tlbMiss(lo, hi);
    } else {
      counters[COUNTER['tlb.hits']]!++;
      this.events.tlbHit(tlb, line, lo, hi);
      const verdict = this.judge(space, line, access);
      if (verdict === LINE.allows) {
        this.take(line, lo);
        return WALK.mapped;
      }
      if (verdict === LINE.refuses && this.rewalkOnPermissionFault === 'off') return this.refuseByLine(space, line, access);
    }
    const outcome = walk(space, lo, hi, access, EFFECTS.hardware);
    if (outcome !== WALK.mapped) {
      this.errorCode = space.result.errorCode;
      this.level = space.result.level;
      return outcome;
    }
    const filled = tlb.fill(lo, hi, space.result);
    this.events.tlbFill(tlb, filled, lo, hi, space.result.level);
    this.take(filled, lo);
    return WALK.mapped;
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

  private take(line: number, lo: number): void {
    const offset = lo & ((1 << this.tlb.shift(line)) - 1);
    this.hpaLo = this.tlb.hpaLo(line) | offset;
    this.hpaHi = this.tlb.hpaHi(line);
  }
}
