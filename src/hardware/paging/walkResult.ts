import { LEVEL_SLOTS } from './compiledFormat';
import { WALK, WHY } from './walkOutcome';

/** Where each window of `WalkResult.levels` begins. */
export const RECORD = {
  entryLo: 0, entryHi: LEVEL_SLOTS, entryAddressLo: 2 * LEVEL_SLOTS, entryAddressHi: 3 * LEVEL_SLOTS,
  entryHpaLo: 4 * LEVEL_SLOTS, entryHpaHi: 5 * LEVEL_SLOTS,
} as const;

/**
 * Everything a walk learned, in preallocated fields that the next walk of the same space overwrites.
 * Addresses are pairs of int32 halves. Arrays are indexed by level; those of levels not reached are stale:
 * valid are `top` down to `level`.
 */
export class WalkResult {
  outcome: number = WALK.mapped;
  why: number = WHY.none;
  /** Row of the rule that refused (see WHY), or -1. */
  rule = -1;
  /** The address that was walked. */
  addressLo = 0;
  addressHi = 0;
  access = 0;
  /** Level of the first entry; 0 when unpaged. */
  top = 0;
  /** Level where the walk ended: of the leaf, or of the entry that refused. */
  level = 0;
  /** Page-fault error code, when the outcome is one. */
  errorCode = 0;
  /** Exit qualification of an EPT violation (its high half is zero); EXITINFO1 of a nested page fault. */
  qualification = 0;
  qualificationHi = 0;
  /** EPT violation: 1 where the entry that refused lets it become a virtualization exception. */
  convertible = 0;
  /**
   * Mapped: what this dimension translates to (guest-physical in a guest's tables, of the byte). EPT violation,
   * misconfiguration and nested page fault: the guest-physical address that was refused.
   */
  gpaLo = 0;
  gpaHi = 0;
  /** Mapped: host-physical address of the byte, through both dimensions. */
  hpaLo = 0;
  hpaHi = 0;
  /** log2 of the page size of this dimension, and of the smaller of both. */
  pageShift = 12;
  effectiveShift = 12;
  /** AND of the rights over the entries used: of this dimension, and of the final nested translation. */
  rights = 0;
  nestedRights = 0;
  /** 1 when the leaf is global. */
  global = 0;
  /** 1 when a write through this translation need set no dirty flag any more. */
  dirty = 0;
  key = 0;
  /** Entries read, of both dimensions. */
  references = 0;
  /** What was read, by level: the arrays below are windows into it, each from its `RECORD` on. */
  readonly levels = new Int32Array(6 * LEVEL_SLOTS);
  readonly entryLo = this.window(RECORD.entryLo);
  readonly entryHi = this.window(RECORD.entryHi);
  /** Address of the entry as the walk has it, and its host-physical address. */
  readonly entryAddressLo = this.window(RECORD.entryAddressLo);
  readonly entryAddressHi = this.window(RECORD.entryAddressHi);
  readonly entryHpaLo = this.window(RECORD.entryHpaLo);
  readonly entryHpaHi = this.window(RECORD.entryHpaHi);

  private window(from: number): Int32Array {
    return this.levels.subarray(from, from + LEVEL_SLOTS);
  }
}
