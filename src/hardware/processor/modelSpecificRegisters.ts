import { MSR } from './msrNumbers';
import type { ProcessorFeatures } from './processorFeatures';
import { REGISTER } from './registers';
import { SEGMENT, type SegmentRegisters } from '../segments/segmentRegisters';
import type { StateClaims } from '../state/registry';
import { vmxCapabilities } from '../vmx/vmxCapabilities';

/** A 64-bit value. */
export type MsrValue = readonly [lo: number, hi: number];

/** What stands behind one MSR. */
export type MsrSource =
  /** A register that a MOV-like instruction writes, with rules, exits and effects of its own: a `REGISTER`. */
  | { readonly kind: 'register'; readonly register: number }
  /**
   * Read and written by functions; without `write` it is read-only, without `read` write-only. `write` answers whether the
   * value was taken: else #GP(0), for what `refusal` says.
   */
  | {
    readonly kind: 'functions'; readonly read?: () => MsrValue; readonly write?: (lo: number, hi: number) => boolean;
    readonly refusal?: (lo: number, hi: number) => string;
  };

/** One model-specific register that the processor has. */
export interface ModelSpecificRegister {
  /** As ECX has it, unsigned. */
  readonly index: number;
  /** SDM Vol. 4, or APM Vol. 2, "MSR Cross-Reference". */
  readonly name: string;
  readonly source: MsrSource;
}

/** MSRs that only hold a value here: what SYSCALL, SYSENTER and SWAPGS would take from them. */
const held = [
  { index: 0x174, name: 'IA32_SYSENTER_CS', holds: 'any value' },
  { index: 0x175, name: 'IA32_SYSENTER_ESP', holds: 'canonical address' },
  { index: 0x176, name: 'IA32_SYSENTER_EIP', holds: 'canonical address' },
  { index: 0xc000_0081, name: 'IA32_STAR', holds: 'any value' },
  { index: 0xc000_0082, name: 'IA32_LSTAR', holds: 'canonical address' },
  { index: 0xc000_0083, name: 'IA32_CSTAR', holds: 'canonical address' },
  { index: 0xc000_0084, name: 'IA32_FMASK', holds: '32 bits' },
  { index: 0xc000_0102, name: 'IA32_KERNEL_GS_BASE', holds: 'canonical address' },
] as const;

/** MSRs that are the bases of segments. SDM Vol. 3, "Segment Loading Instructions in IA-32e Mode". */
const segmentBases = [[0xc000_0100, 'IA32_FS_BASE', SEGMENT.fs], [0xc000_0101, 'IA32_GS_BASE', SEGMENT.gs]] as const;

/** Locked, and VMX allowed outside SMX: what firmware leaves. SDM Vol. 3, "Enabling and Entering VMX Operation". */
const FEATURE_CONTROL = 1 << 0 | 1 << 2;

export interface MsrProcessor {
  readonly segments: SegmentRegisters;
  readonly vendor: 'intel' | 'amd';
  readonly features: ProcessorFeatures;
}

/** Is a 64-bit value an address that is canonical at the widest that the processor has? */
export function isCanonicalValue(hi: number, features: ProcessorFeatures): boolean {
  const sign = hi >> (features.la57 === 'on' ? 24 : 15);
  return sign === 0 || sign === -1;
}

type MsrFunctions = Omit<MsrSource & { readonly kind: 'functions' }, 'kind'>;

function baseOf(segment: number, { segments, features }: MsrProcessor): MsrFunctions {
  return {
    read: () => [segments.baseLo(segment), segments.baseHi(segment)],
    write: (baseLo, baseHi) => {
      if (!isCanonicalValue(baseHi, features)) return false;
      const value = { selector: segments.selector(segment), rights: segments.rights(segment), limit: segments.limit(segment) };
      segments.set(segment, { ...value, baseLo, baseHi });
      return true;
    },
  };
}

/** The MSRs of one processor, by index. Whatever has registers of its own (the local APIC) adds them. */
export class ModelSpecificRegisters {
  private readonly rows = new Map<number, ModelSpecificRegister>();
  private readonly words: Int32Array;

  constructor(registry: StateClaims, cpu: number, processor: MsrProcessor) {
    this.words = registry.block(`cpu${cpu}.msrs`, 2 * held.length);
    this.add({ index: MSR.efer, name: 'IA32_EFER', source: { kind: 'register', register: REGISTER.efer } });
    if (processor.features.pks === 'on' && processor.vendor === 'intel') {
      this.add({ index: MSR.pkrs, name: 'IA32_PKRS', source: { kind: 'register', register: REGISTER.pkrs } });
    }
    held.forEach(({ index, name, holds }, place) => {
      this.add({ index, name, source: { kind: 'functions', ...this.holder(place, holds, processor.features) } });
    });
    for (const [index, name, segment] of segmentBases) this.add({ index, name, source: { kind: 'functions', ...baseOf(segment, processor) } });
    if (processor.vendor === 'amd') return;
    this.add({ index: 0x3a, name: 'IA32_FEATURE_CONTROL', source: { kind: 'functions', read: () => [FEATURE_CONTROL, 0] } });
    for (const { msr, name, value } of vmxCapabilities) {
      this.add({ index: msr, name, source: { kind: 'functions', read: () => value(processor.features) } });
    }
  }

  add(row: ModelSpecificRegister): void {
    this.rows.set(row.index, row);
  }

  /** Row of an MSR; undefined for one that there is not, which is #GP(0). `index`: ECX. */
  at(index: number): ModelSpecificRegister | undefined {
    return this.rows.get(index >>> 0);
  }

  private holder(place: number, holds: (typeof held)[number]['holds'], features: ProcessorFeatures): MsrFunctions {
    const { words } = this;
    return {
      read: () => [words[2 * place]!, words[2 * place + 1]!],
      write: (lo, hi) => {
        if (holds === 'canonical address' && !isCanonicalValue(hi, features) || holds === '32 bits' && hi !== 0) return false;
        words[2 * place] = lo;
        words[2 * place + 1] = hi;
        return true;
      },
    };
  }
}
