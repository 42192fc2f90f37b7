import { CR4 } from './controlRegisters';
import { type ProcessorFeatureName, type ProcessorFeatures, processorFeatures } from './processorFeatures';

/** What CPUID leaves, low halves of RAX, RBX, RCX and RDX. */
export interface CpuidLeaf {
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
}

/** The processor that answers. */
export interface IdentifiedProcessor {
  readonly vendor: 'intel' | 'amd';
  readonly maxphyaddr: number;
  readonly features: ProcessorFeatures;
  readonly cpu: number;
  /** CR4 as it stands: OSXSAVE and PKE are mirrored. */
  readonly cr4: number;
}

type Output = keyof CpuidLeaf;
const NOTHING: CpuidLeaf = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
const LAST_BASIC = 0xb;
const LAST_EXTENDED = 0x8000_0008;
const EXTENDED = 0x8000_0000;

/** Twelve letters in the order that they come out in. */
const vendorNames = { intel: 'GenuineIntel', amd: 'AuthenticAMD' } as const;
const BRAND = 'Pagewalk simulated processor';
const BRAND_BYTES = 48;

/** Features that every processor here has, by output bit of leaf 1. SDM Vol. 2, "CPUID—CPU Identification". */
const ALWAYS_1 = {
  /** FPU, VME, DE, PSE, MSR, PAE, MCE, APIC, PGE. */
  edx: 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 13,
  /** x2APIC. */
  ecx: 1 << 21,
} as const;
const VMX = 1 << 5;
const OSXSAVE = 1 << 27;
const OSPKE = 1 << 4;
/** SYSCALL, XD and long mode in EDX of leaf 80000001H. */
const EXTENDED_ALWAYS = 1 << 11 | 1 << 20 | 1 << 29;
/** SVM in ECX of leaf 80000001H. */
export const SVM_REPORTED = 1 << 2;
const LINEAR_BITS_AT = 8;
const REPORTED = /^CPUID\.([0-9A-F]+)H:(E[A-D]X)\[(\d+)\]$/;

interface ReportedBit {
  readonly leaf: number;
  readonly output: Output;
  readonly mask: number;
  readonly feature: ProcessorFeatureName;
}

/** Bits of the leaves by feature, as the table of features says where software finds out. */
const reportedBits: readonly ReportedBit[] = Object.entries(processorFeatures).flatMap(([name, { reportedBy }]) => {
  const found = REPORTED.exec(reportedBy);
  if (found === null) return [];
  const [, leaf, output, bit] = found;
  return [{
    leaf: parseInt(leaf ?? '', 16), output: (output ?? '').toLowerCase() as Output, mask: 1 << Number(bit), feature: name as ProcessorFeatureName,
  }];
});

/** A leaf with the bits of features that the processor has. */
function withFeatures(leaf: number, base: CpuidLeaf, { features, vendor }: IdentifiedProcessor): CpuidLeaf {
  const made = { ...base };
  for (const bit of reportedBits) {
    const whose: string = processorFeatures[bit.feature].vendor;
    const isHad = features[bit.feature] === 'on' && (whose === 'both' || whose === vendor);
    if (bit.leaf === leaf && isHad) made[bit.output] |= bit.mask;
  }
  return made;
}

function letters(text: string, at: number): number {
  let word = 0;
  for (let i = 0; i < 4; i++) word |= (at + i < text.length ? text.charCodeAt(at + i) : 0) << (8 * i);
  return word;
}

function brand(part: number): CpuidLeaf {
  const at = (BRAND_BYTES / 3) * part;
  return { eax: letters(BRAND, at), ebx: letters(BRAND, at + 4), ecx: letters(BRAND, at + 8), edx: letters(BRAND, at + 12) };
}

/** Leaves by number; `subleaf` is ECX. */
const leaves = new Map<number, (processor: IdentifiedProcessor, subleaf: number) => CpuidLeaf>([
  [0x0, ({ vendor }) => {
    const name = vendorNames[vendor];
    return { eax: LAST_BASIC, ebx: letters(name, 0), edx: letters(name, 4), ecx: letters(name, 8) };
  }],
  [0x1, (processor) => {
    const base = {
      eax: 0, ebx: processor.cpu << 24, edx: ALWAYS_1.edx,
      ecx: ALWAYS_1.ecx | (processor.vendor === 'intel' ? VMX : 0) | (processor.cr4 & CR4.OSXSAVE ? OSXSAVE : 0),
    };
    return withFeatures(1, base, processor);
  }],
  [0x7, (processor, subleaf) => {
    if (subleaf !== 0) return NOTHING;
    return withFeatures(7, { ...NOTHING, ecx: processor.cr4 & CR4.PKE ? OSPKE : 0 }, processor);
  }],
  // One thread a core: the level that follows is none. The x2APIC ID is in EDX of each.
  [0xb, ({ cpu }, subleaf) => ({ eax: 0, ebx: subleaf === 0 ? 1 : 0, ecx: subleaf | (subleaf === 0 ? 1 << 8 : 0), edx: cpu })],
  [0x8000_0000, () => ({ ...NOTHING, eax: LAST_EXTENDED | 0 })],
  [0x8000_0001, (processor) => withFeatures(0x8000_0001, {
    ...NOTHING, edx: EXTENDED_ALWAYS, ecx: processor.vendor === 'amd' ? SVM_REPORTED : 0,
  }, processor)],
  [0x8000_0002, () => brand(0)],
  [0x8000_0003, () => brand(1)],
  [0x8000_0004, () => brand(2)],
  [0x8000_0008, ({ maxphyaddr, features }) => (
    { ...NOTHING, eax: maxphyaddr | (features.la57 === 'on' ? 57 : 48) << LINEAR_BITS_AT }
  )],
]);

/**
 * What CPUID of a leaf (EAX) and subleaf (ECX) gives. Intel answers a leaf above the last of either range with the last
 * basic leaf, AMD with zeros.
 */
export function cpuid(processor: IdentifiedProcessor, leaf: number, subleaf: number): CpuidLeaf {
  const number = leaf >>> 0;
  const isWithin = number < EXTENDED ? number <= LAST_BASIC : number <= LAST_EXTENDED;
  const asked = isWithin || processor.vendor === 'amd' ? number : LAST_BASIC;
  return leaves.get(asked)?.(processor, subleaf >>> 0) ?? NOTHING;
}
