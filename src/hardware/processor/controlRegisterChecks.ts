import { CR0, CR4, CR4_KNOWN, EFER } from './controlRegisters';
import type { ProcessorFeatureName, ProcessorFeatures } from './processorFeatures';

/**
 * What VMX operation asks of CR0 and CR4: nothing outside it, all fixed bits in it, or all but PE and PG of a guest with
 * the unrestricted-guest control. SDM Vol. 3, "Restrictions on VMX Operation", "Unrestricted Guests".
 */
export type VmxRestriction = 'none' | 'restricted' | 'unrestricted';

/** The processor, and its registers as a write finds them: low halves. */
export interface ControlContext {
  readonly vendor: 'intel' | 'amd';
  readonly maxphyaddr: number;
  readonly features: ProcessorFeatures;
  readonly vmx: VmxRestriction;
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
  readonly efer: number;
  /** CS is a 64-bit code segment, which counts once IA-32e mode is active. */
  readonly cs: '64-bit' | 'other';
}

/** Why a value is #GP(0) for the register. */
export interface ControlRule {
  /** For messages; #GP(0) itself says no more. */
  readonly name: string;
  readonly broken: (context: ControlContext, lo: number, hi: number) => boolean;
}

/** Bits of CR4 that come with a feature. */
const cr4Features: readonly (readonly [number, ProcessorFeatureName])[] = [
  [CR4.LA57, 'la57'], [CR4.PCIDE, 'pcid'], [CR4.SMEP, 'smep'], [CR4.SMAP, 'smap'], [CR4.PKE, 'pku'], [CR4.PKS, 'pks'],
];
/** Bits of CR4 that are Intel's alone. */
const CR4_INTEL = CR4.VMXE | CR4.SMXE | CR4.PKS;

/** Bits of CR4 that this processor has. */
export function cr4Defined({ vendor, features }: Pick<ControlContext, 'vendor' | 'features'>): number {
  const missing = cr4Features.reduce((all, [bit, feature]) => (features[feature] === 'off' ? all | bit : all), 0);
  return CR4_KNOWN & ~missing & ~(vendor === 'amd' ? CR4_INTEL : 0);
}

/** Bits of EFER's low half that are reserved. SDM Vol. 3, "Extended Feature Enable Register"; APM Vol. 2 adds SVME. */
export function eferReserved(lo: number, vendor: 'intel' | 'amd' = 'intel'): number {
  return lo & ~(EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE | (vendor === 'amd' ? EFER.SVME : 0));
}

/** IA32_VMX_CR0_FIXED0 and IA32_VMX_CR4_FIXED0: bits that are 1 in VMX operation. SDM Vol. 3, "VMX-Fixed Bits in CR0", "… in CR4". */
export const VMX_FIXED0 = { cr0: CR0.PE | CR0.NE | CR0.PG, cr4: CR4.VMXE } as const;
/** Those of CR0 that an unrestricted guest is free of. */
const UNRESTRICTED = CR0.PE | CR0.PG;

/** Bits of a value for CR0 or CR4 that VMX operation does not support as they are. */
export function vmxUnsupportedBits(
  register: 'cr0' | 'cr4', value: number, vmx: VmxRestriction, features: ProcessorFeatures,
): number {
  if (vmx === 'none') return 0;
  if (register === 'cr4') return (~value & VMX_FIXED0.cr4) | (value & ~cr4Defined({ vendor: 'intel', features }));
  return ~value & VMX_FIXED0.cr0 & ~(vmx === 'unrestricted' ? UNRESTRICTED : 0);
}

const HIGH_BITS: ControlRule = { name: 'a bit above 31 that is not defined', broken: (_c, _lo, hi) => hi !== 0 };
const sets = (lo: number, bit: number): boolean => (lo & bit) !== 0;
const PCID = 0xfff;
/** Bit 63 of a value for CR3 while CR4.PCIDE is 1: keep what the TLB has of the new PCID. */
export const CR3_NO_FLUSH_HI = 1 << 31;

/**
 * SDM Vol. 2, "MOV—Move to/from Control Registers", Vol. 3, "Control Registers", "IA-32e Mode", "Enabling PCIDs",
 * "VMX-Fixed Bits". Reserved bits of CR0's low half are no rule: they are ignored.
 */
export const controlRules: Readonly<Record<'cr0' | 'cr3' | 'cr4' | 'efer', readonly ControlRule[]>> = {
  cr0: [
    HIGH_BITS,
    { name: 'PG without PE', broken: (_, lo) => sets(lo, CR0.PG) && !sets(lo, CR0.PE) },
    { name: 'NW without CD', broken: (_, lo) => sets(lo, CR0.NW) && !sets(lo, CR0.CD) },
    { name: 'paging with LME but without PAE', broken: (c, lo) => sets(lo, CR0.PG) && sets(c.efer, EFER.LME) && !sets(c.cr4, CR4.PAE) },
    {
      name: 'paging with LME out of a 64-bit code segment',
      broken: (c, lo) => sets(lo, CR0.PG) && !sets(c.cr0, CR0.PG) && sets(c.efer, EFER.LME) && c.cs === '64-bit',
    },
    { name: 'paging off in 64-bit mode', broken: (c, lo) => !sets(lo, CR0.PG) && sets(c.efer, EFER.LMA) && c.cs === '64-bit' },
    { name: 'paging off with PCIDs', broken: (c, lo) => !sets(lo, CR0.PG) && sets(c.cr4, CR4.PCIDE) },
    {
      name: 'a bit cleared that is fixed to 1 in VMX operation',
      broken: (c, lo) => vmxUnsupportedBits('cr0', lo, c.vmx, c.features) !== 0,
    },
  ],
  cr3: [
    {
      name: 'a bit at or above MAXPHYADDR',
      broken: (c, _, hi) => (hi & -(1 << (c.maxphyaddr - 32)) & ~(sets(c.cr4, CR4.PCIDE) ? CR3_NO_FLUSH_HI : 0)) !== 0,
    },
  ],
  cr4: [
    HIGH_BITS,
    { name: 'a bit that is not defined', broken: (c, lo) => sets(lo, ~cr4Defined(c)) },
    { name: 'PAE off in long mode', broken: (c, lo) => sets(c.efer, EFER.LMA) && !sets(lo, CR4.PAE) },
    { name: 'LA57 changed in long mode', broken: (c, lo) => sets(c.efer, EFER.LMA) && sets(c.cr4 ^ lo, CR4.LA57) },
    { name: 'PCIDs outside long mode', broken: (c, lo) => !sets(c.efer, EFER.LMA) && sets(lo, CR4.PCIDE) },
    { name: 'PCIDs switched on while CR3 has a PCID', broken: (c, lo) => sets(lo & ~c.cr4, CR4.PCIDE) && sets(c.cr3, PCID) },
    {
      name: 'a bit cleared that is fixed to 1 in VMX operation',
      broken: (c, lo) => vmxUnsupportedBits('cr4', lo, c.vmx, c.features) !== 0,
    },
  ],
  efer: [
    HIGH_BITS,
    { name: 'a bit that is not defined', broken: (c, lo) => eferReserved(lo, c.vendor) !== 0 },
    { name: 'LME changed while paging', broken: (c, lo) => sets(c.cr0, CR0.PG) && sets(c.efer ^ lo, EFER.LME) },
  ],
};

/** Name of the first rule that a value breaks, so that writing it is #GP(0); undefined when it breaks none. */
export function brokenControlRule(register: keyof typeof controlRules, context: ControlContext, lo: number, hi: number): string | undefined {
  return controlRules[register].find((rule) => rule.broken(context, lo, hi))?.name;
}
