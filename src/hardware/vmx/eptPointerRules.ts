import type { ProcessorFeatures } from '../processor/processorFeatures';
import { EPTP } from './vmcs';

/** The processor that an EPTP is for. */
export interface EptProcessor {
  readonly maxphyaddr: number;
  readonly features: ProcessorFeatures;
}

/** What makes an EPTP illegal. */
export interface EptPointerRule {
  readonly name: string;
  readonly broken: (lo: number, hi: number, processor: EptProcessor) => boolean;
}

const UNCACHEABLE = 0;
const WRITE_BACK = 6;
/** Bit 7 enables supervisor shadow-stack control, which this processor has not; 11:8 are reserved on all. */
const RESERVED = 0xf80;

const levelsOf = (lo: number): number => ((lo >>> EPTP.walkLengthShift) & EPTP.walkLengthMask) + 1;

/** SDM Vol. 3, "Extended-Page-Table Pointer (EPTP)", "VM-Execution Control Fields". */
export const eptPointerRules: readonly EptPointerRule[] = [
  {
    name: 'the memory type of an EPTP is 0 (UC) or 6 (WB)',
    broken: (lo) => (lo & EPTP.memoryTypeMask) !== UNCACHEABLE && (lo & EPTP.memoryTypeMask) !== WRITE_BACK,
  },
  {
    name: 'the page-walk length of an EPTP is 4, or 5 where the processor has 5-level EPT',
    broken: (lo, _, { features }) => levelsOf(lo) !== 4 && !(levelsOf(lo) === 5 && features.ept5Level === 'on'),
  },
  {
    name: 'an EPTP enables accessed and dirty flags only where the processor has them for EPT',
    broken: (lo, _, { features }) => (lo & EPTP.accessedDirty) !== 0 && features.eptAccessedDirty === 'off',
  },
  { name: 'bits 11:7 of an EPTP are reserved', broken: (lo) => (lo & RESERVED) !== 0 },
  {
    name: 'bits of an EPTP at and above MAXPHYADDR are reserved',
    broken: (_, hi, { maxphyaddr }) => (hi & ~((1 << (maxphyaddr - 32)) - 1)) !== 0,
  },
];

/** Name of the first rule that an EPTP breaks, or undefined. */
export function brokenEptPointerRule(lo: number, hi: number, processor: EptProcessor): string | undefined {
  return eptPointerRules.find((rule) => rule.broken(lo, hi, processor))?.name;
}
