import { cr4Defined, VMX_FIXED0 } from '../processor/controlRegisterChecks';
import { type ProcessorFeatureName, type ProcessorFeatures, processorFeatures } from '../processor/processorFeatures';
import { VMCS_REVISION, vmcsFields } from './vmcs';
import { allowedOnes, type ControlVectorName, controlVectors } from './vmxControls';

/** One of the MSRs that report VMX. SDM Vol. 3, appendix "VMX Capability Reporting Facility". */
export interface VmxCapability {
  readonly msr: number;
  readonly name: string;
  readonly value: (features: ProcessorFeatures) => readonly [lo: number, hi: number];
}

/** Bits of the default1 class that the TRUE MSRs allow to be 0: CR3-load and CR3-store exiting, and the debug controls. */
const FREED = { pin: 0, primary: 1 << 15 | 1 << 16, exit: 1 << 2, entry: 1 << 2, secondary: 0, vmFunctions: 0 } as const;

/** Low half: bits that must be 1; high half: bits that may be. */
function controls(msr: number, name: string, vector: ControlVectorName, how: 'true' | 'default1'): VmxCapability {
  const freed = how === 'true' ? 0 : FREED[vector];
  return { msr, name, value: (features) => [controlVectors[vector].mustBeOne | freed, allowedOnes(vector, features) | freed] };
}

/** Regions of 4 KBytes, write-back, and the TRUE MSRs. */
const BASIC_HI = 0x1000 | 6 << 18 | 1 << 23;
/** LMA stored into the entry control, all activity states, 4 CR3 targets, software events with length 0. */
const MISC = 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 4 << 16 | 1 << 30;
const ENCODING_INDEX = 0x3fe;
/** Walk length 4, UC, WB, INVEPT of one context and of all. */
const EPT_ALWAYS = 1 << 6 | 1 << 8 | 1 << 14 | 1 << 20 | 1 << 25 | 1 << 26;
/** INVVPID and its four types. */
const VPID_ALWAYS_HI = 1 << 0 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11;
const EPT_CAPABILITY = /^IA32_VMX_EPT_VPID_CAP\[(\d+)\]$/;

const eptBits = (Object.keys(processorFeatures) as ProcessorFeatureName[]).flatMap((feature): readonly [ProcessorFeatureName, number][] => {
  const bit = EPT_CAPABILITY.exec(processorFeatures[feature].reportedBy)?.[1];
  return bit === undefined ? [] : [[feature, 1 << Number(bit)]];
});

function eptVpid(features: ProcessorFeatures): readonly [number, number] {
  const ept = eptBits.reduce((all, [feature, bit]) => (features[feature] === 'on' ? all | bit : all), EPT_ALWAYS);
  return [features.ept === 'on' ? ept : 0, features.vpid === 'on' ? VPID_ALWAYS_HI : 0];
}

export const vmxCapabilities: readonly VmxCapability[] = [
  { msr: 0x480, name: 'IA32_VMX_BASIC', value: () => [VMCS_REVISION, BASIC_HI] },
  controls(0x481, 'IA32_VMX_PINBASED_CTLS', 'pin', 'default1'),
  controls(0x482, 'IA32_VMX_PROCBASED_CTLS', 'primary', 'default1'),
  controls(0x483, 'IA32_VMX_EXIT_CTLS', 'exit', 'default1'),
  controls(0x484, 'IA32_VMX_ENTRY_CTLS', 'entry', 'default1'),
  { msr: 0x485, name: 'IA32_VMX_MISC', value: () => [MISC, 0] },
  { msr: 0x486, name: 'IA32_VMX_CR0_FIXED0', value: () => [VMX_FIXED0.cr0, 0] },
  { msr: 0x487, name: 'IA32_VMX_CR0_FIXED1', value: () => [-1, 0] },
  { msr: 0x488, name: 'IA32_VMX_CR4_FIXED0', value: () => [VMX_FIXED0.cr4, 0] },
  { msr: 0x489, name: 'IA32_VMX_CR4_FIXED1', value: (features) => [cr4Defined({ vendor: 'intel', features }), 0] },
  {
    msr: 0x48a, name: 'IA32_VMX_VMCS_ENUM',
    value: () => [vmcsFields.reduce((most, { encoding }) => Math.max(most, encoding & ENCODING_INDEX), 0), 0],
  },
  controls(0x48b, 'IA32_VMX_PROCBASED_CTLS2', 'secondary', 'true'),
  { msr: 0x48c, name: 'IA32_VMX_EPT_VPID_CAP', value: eptVpid },
  controls(0x48d, 'IA32_VMX_TRUE_PINBASED_CTLS', 'pin', 'true'),
  controls(0x48e, 'IA32_VMX_TRUE_PROCBASED_CTLS', 'primary', 'true'),
  controls(0x48f, 'IA32_VMX_TRUE_EXIT_CTLS', 'exit', 'true'),
  controls(0x490, 'IA32_VMX_TRUE_ENTRY_CTLS', 'entry', 'true'),
  { msr: 0x491, name: 'IA32_VMX_VMFUNC', value: (features) => [allowedOnes('vmFunctions', features), 0] },
];
