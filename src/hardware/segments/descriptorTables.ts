import { ACCESS } from '../paging/accessKinds';
import { DESCRIPTOR_ACCESSED } from './descriptor';
import { VECTOR } from '../delivery/exceptions';
import { selectorError } from '../delivery/deliveredEvent';
import { TRANSLATED } from '../processor/linearTranslation';
import { sumHi } from '../memory/addressSum';
import { DESCRIPTOR_TABLE, SEGMENT, SEGMENT_RIGHTS, type SegmentRegisters } from './segmentRegisters';
import type { SystemData } from '../delivery/systemAccess';
import { SYSTEM_ACCESS } from '../delivery/systemAccessKinds';

/** Bits of a selector. SDM Vol. 3, "Segment Selectors". */
export const SELECTOR = { rplMask: 3, local: 1 << 2, indexMask: 0xfff8 } as const;
const DESCRIPTOR_BYTES = 8;
const HIGH_WORD = 4;

/** The processor that reads descriptors. */
export interface DescriptorProcessor {
  readonly segments: SegmentRegisters;
  readonly access: SystemData;
  /** Are GDT, LDT and TSS those of a hypervisor that runs the guest at CPL 3? They have nothing of the guest's. */
  readonly isHypervisors: () => boolean;
  readonly raise: (vector: number, errorCode: number) => number;
}

/** A null selector names no descriptor, whatever its RPL. */
export function isNull(selector: number): boolean {
  return (selector & (SELECTOR.indexMask | SELECTOR.local)) === 0;
}

/** Reads descriptors out of the GDT and the LDT in memory. */
export class DescriptorTables {
  /** The descriptor read last. */
  lo = 0;
  hi = 0;
  private atLo = 0;
  private atHi = 0;

  constructor(private readonly processor: DescriptorProcessor) {}

  /** They are a hypervisor's, and know no selector of the guest's. */
  get areHypervisors(): boolean {
    return this.processor.isHypervisors();
  }

  /** Descriptor of a selector that is not null: TRANSLATED, or what #GP(selector) or a fault of the read led to. */
  read(selector: number, ext: number, vector: number = VECTOR.generalProtection): number {
    const { segments, access, raise } = this.processor;
    const index = selector & SELECTOR.indexMask;
    const isLocal = (selector & SELECTOR.local) !== 0;
    const isMissing = isLocal && (segments.rights(SEGMENT.ldtr) & SEGMENT_RIGHTS.unusable) !== 0;
    const limit = isLocal ? segments.limit(SEGMENT.ldtr) : segments.tableLimit(DESCRIPTOR_TABLE.gdtr);
    if (this.areHypervisors || isMissing || index + DESCRIPTOR_BYTES - 1 > limit) return raise(vector, selectorError(selector, ext));
    const baseLo = isLocal ? segments.baseLo(SEGMENT.ldtr) : segments.tableBaseLo(DESCRIPTOR_TABLE.gdtr);
    const baseHi = isLocal ? segments.baseHi(SEGMENT.ldtr) : segments.tableBaseHi(DESCRIPTOR_TABLE.gdtr);
    this.atLo = baseLo + index | 0;
    this.atHi = sumHi(baseLo, baseHi, index);
    const answer = access.read(this.atLo, this.atHi, DESCRIPTOR_BYTES, SYSTEM_ACCESS.descriptor);
    this.lo = access.lo;
    this.hi = access.hi;
    return answer;
  }

  /** Sets the accessed bit of the descriptor read last, as loading it does. SDM Vol. 3, "Code- and Data-Segment Descriptor Types". */
  markAccessed(): number {
    if ((this.hi & DESCRIPTOR_ACCESSED) !== 0) return TRANSLATED;
    this.hi |= DESCRIPTOR_ACCESSED;
    return this.processor.access.write(
      this.atLo + HIGH_WORD | 0, sumHi(this.atLo, this.atHi, HIGH_WORD), 4, this.hi, 0,
      SYSTEM_ACCESS.descriptor, ACCESS.write | ACCESS.implicit,
    );
  }
}
