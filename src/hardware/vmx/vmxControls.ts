import type { ProcessorFeatureName, ProcessorFeatures } from '../processor/processorFeatures';
import { ENTRY, EXIT, PIN, PRIMARY, SECONDARY, VM_FUNCTION, type VmcsFieldName } from './vmcs';

/** A control that this processor has: the bit may be 1. */
export interface ControlBit {
  readonly name: string;
  readonly mask: number;
  /** Without this feature the bit must be 0. */
  readonly feature?: ProcessorFeatureName;
}

/** One vector of controls, and what a capability MSR says of it. */
export interface ControlVector {
  readonly field: VmcsFieldName;
  /** As in SDM Vol. 3, "Reporting VMX Capabilities". */
  readonly name: string;
  /** Bits that must be 1: of the default1 class those whose 0-setting the TRUE capability MSRs do not allow. */
  readonly mustBeOne: number;
  readonly bits: readonly ControlBit[];
}

/** SDM Vol. 3, "Reserved Controls and Default Settings"; the default1 class less what the TRUE MSRs free. */
const DEFAULT1 = { pin: 0x16, primary: 0x0400_6172, exit: 0x0003_6dfb, entry: 0x11fb } as const;
/** Debug controls: IA32_DEBUGCTL and DR7 are saved and loaded, or stay. */
const EXIT_SAVE_DEBUG = 1 << 2;
const ENTRY_LOAD_DEBUG = 1 << 2;

export const controlVectors = {
  pin: {
    field: 'pin_controls', name: 'pin-based VM-execution controls', mustBeOne: DEFAULT1.pin,
    bits: [
      { name: 'external-interrupt exiting', mask: PIN.externalInterruptExiting },
      { name: 'NMI exiting', mask: PIN.nmiExiting },
      { name: 'virtual NMIs', mask: PIN.virtualNmis },
    ],
  },
  primary: {
    field: 'primary_controls', name: 'primary processor-based VM-execution controls', mustBeOne: DEFAULT1.primary,
    bits: [
      { name: 'interrupt-window exiting', mask: PRIMARY.interruptWindowExiting },
      { name: 'HLT exiting', mask: PRIMARY.hltExiting },
      { name: 'INVLPG exiting', mask: PRIMARY.invlpgExiting },
      { name: 'CR3-load exiting', mask: PRIMARY.cr3LoadExiting },
      { name: 'CR3-store exiting', mask: PRIMARY.cr3StoreExiting },
      { name: 'NMI-window exiting', mask: PRIMARY.nmiWindowExiting },
      { name: 'unconditional I/O exiting', mask: PRIMARY.unconditionalIoExiting },
      { name: 'use I/O bitmaps', mask: PRIMARY.useIoBitmaps },
      { name: 'use MSR bitmaps', mask: PRIMARY.useMsrBitmaps },
      { name: 'activate secondary controls', mask: PRIMARY.secondaryControls },
    ],
  },
  secondary: {
    field: 'secondary_controls', name: 'secondary processor-based VM-execution controls', mustBeOne: 0,
    bits: [
      { name: 'enable EPT', mask: SECONDARY.enableEpt, feature: 'ept' },
      { name: 'descriptor-table exiting', mask: SECONDARY.descriptorTableExiting },
      { name: 'enable VPID', mask: SECONDARY.enableVpid, feature: 'vpid' },
      { name: 'unrestricted guest', mask: SECONDARY.unrestrictedGuest, feature: 'unrestrictedGuest' },
      { name: 'enable INVPCID', mask: SECONDARY.enableInvpcid, feature: 'invpcid' },
      { name: 'enable VM functions', mask: SECONDARY.enableVmFunctions, feature: 'vmFunctions' },
      { name: 'enable PML', mask: SECONDARY.enablePml, feature: 'pageModificationLogging' },
      { name: 'EPT-violation #VE', mask: SECONDARY.eptViolationVe, feature: 'eptViolationVe' },
      { name: 'mode-based execute control for EPT', mask: SECONDARY.modeBasedExecute, feature: 'eptModeBasedExecute' },
    ],
  },
  vmFunctions: {
    field: 'vm_function_controls', name: 'VM-function controls', mustBeOne: 0,
    bits: [{ name: 'EPTP switching', mask: VM_FUNCTION.eptpSwitching, feature: 'vmFunctions' }],
  },
  exit: {
    field: 'exit_controls', name: 'VM-exit controls', mustBeOne: DEFAULT1.exit,
    bits: [
      { name: 'save debug controls', mask: EXIT_SAVE_DEBUG },
      { name: 'host address-space size', mask: EXIT.hostAddressSpaceSize },
      { name: 'acknowledge interrupt on exit', mask: EXIT.acknowledgeInterrupt },
      { name: 'save IA32_EFER', mask: EXIT.saveEfer },
      { name: 'load IA32_EFER', mask: EXIT.loadEfer },
      { name: 'load PKRS', mask: EXIT.loadPkrs, feature: 'pks' },
    ],
  },
  entry: {
    field: 'entry_controls', name: 'VM-entry controls', mustBeOne: DEFAULT1.entry,
    bits: [
      { name: 'load debug controls', mask: ENTRY_LOAD_DEBUG },
      { name: 'IA-32e mode guest', mask: ENTRY.ia32eModeGuest },
      { name: 'load IA32_EFER', mask: ENTRY.loadEfer },
      { name: 'load PKRS', mask: ENTRY.loadPkrs, feature: 'pks' },
    ],
  },
} as const satisfies Record<string, ControlVector>;

export type ControlVectorName = keyof typeof controlVectors;

/** Bits of a vector of controls that may be 1 on a processor with these features. */
export function allowedOnes(vector: ControlVectorName, features: ProcessorFeatures): number {
  const { bits, mustBeOne }: ControlVector = controlVectors[vector];
  return bits.reduce((all, { mask, feature }) => (feature === undefined || features[feature] === 'on' ? all | mask : all), mustBeOne);
}

/**
 * Controls as software must write them: what it wants, the bits that must be 1, and none that must be 0.
 * SDM Vol. 3, "Algorithms for Determining VMX Capabilities".
 */
export function adjustControls(vector: ControlVectorName, wanted: number, features: ProcessorFeatures): number {
  return (wanted | controlVectors[vector].mustBeOne) & allowedOnes(vector, features);
}
