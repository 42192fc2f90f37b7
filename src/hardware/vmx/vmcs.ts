import type { Registry } from '../state/registry';

/** One field of the VMCS. `encoding` and meaning: SDM Vol. 3, "Field Encoding in VMCS". */
export interface VmcsField {
  readonly name: string;
  readonly encoding: number;
}

export const vmcsFields = [
  { name: 'vpid', encoding: 0x0000 },
  { name: 'msr_bitmap', encoding: 0x2004 },
  { name: 'eptp', encoding: 0x201a },
  { name: 'guest_physical_address', encoding: 0x2400 },
  { name: 'guest_ia32_efer', encoding: 0x2806 },
  { name: 'guest_pdpte0', encoding: 0x280a },
  { name: 'guest_pdpte1', encoding: 0x280c },
  { name: 'guest_pdpte2', encoding: 0x280e },
  { name: 'guest_pdpte3', encoding: 0x2810 },
  { name: 'host_ia32_efer', encoding: 0x2c02 },
  { name: 'primary_controls', encoding: 0x4002 },
  { name: 'exception_bitmap', encoding: 0x4004 },
  { name: 'pfec_mask', encoding: 0x4006 },
  { name: 'pfec_match', encoding: 0x4008 },
  { name: 'exit_controls', encoding: 0x400c },
  { name: 'entry_controls', encoding: 0x4012 },
  { name: 'entry_interruption_info', encoding: 0x4016 },
  { name: 'entry_exception_error_code', encoding: 0x4018 },
  { name: 'entry_instruction_length', encoding: 0x401a },
  { name: 'secondary_controls', encoding: 0x401e },
  { name: 'exit_reason', encoding: 0x4402 },
  { name: 'exit_interruption_info', encoding: 0x4404 },
  { name: 'exit_interruption_error_code', encoding: 0x4406 },
  { name: 'idt_vectoring_info', encoding: 0x4408 },
  { name: 'idt_vectoring_error_code', encoding: 0x440a },
  { name: 'exit_instruction_length', encoding: 0x440c },
  { name: 'exit_instruction_info', encoding: 0x440e },
  { name: 'guest_ss_access_rights', encoding: 0x4818 },
  { name: 'cr0_guest_host_mask', encoding: 0x6000 },
  { name: 'cr4_guest_host_mask', encoding: 0x6002 },
  { name: 'cr0_read_shadow', encoding: 0x6004 },
  { name: 'cr4_read_shadow', encoding: 0x6006 },
  { name: 'exit_qualification', encoding: 0x6400 },
  { name: 'guest_linear_address', encoding: 0x640a },
  { name: 'guest_cr0', encoding: 0x6800 },
  { name: 'guest_cr3', encoding: 0x6802 },
  { name: 'guest_cr4', encoding: 0x6804 },
  { name: 'guest_rflags', encoding: 0x6820 },
  { name: 'host_cr0', encoding: 0x6c00 },
  { name: 'host_cr3', encoding: 0x6c02 },
  { name: 'host_cr4', encoding: 0x6c04 },
  { name: 'pml_index', encoding: 0x0812 },
  { name: 'pml_address', encoding: 0x200e },
  { name: 'eptp_index', encoding: 0x0004 },
  { name: 'vm_function_controls', encoding: 0x2018 },
  { name: 'eptp_list_address', encoding: 0x2024 },
  { name: 'virtualization_exception_information_address', encoding: 0x202a },
  { name: 'guest_ia32_pkrs', encoding: 0x2818 },
  { name: 'host_ia32_pkrs', encoding: 0x2c06 },
] as const satisfies readonly VmcsField[];

export type VmcsFieldName = (typeof vmcsFields)[number]['name'];

/** Word index of each field's low half; the high half is the next word. */
export const VMCS = Object.fromEntries(vmcsFields.map((row, index) => [row.name, 2 * index])) as Record<VmcsFieldName, number>;

/** Claims the VMCS of one virtual processor. */
export function claimVmcs(registry: Registry, cpu: number): Int32Array {
  return registry.block(`cpu${cpu}.vmcs`, 2 * vmcsFields.length);
}

/** Bits of `primary_controls`. SDM Vol. 3, "Processor-Based VM-Execution Controls". */
export const PRIMARY = {
  hltExiting: 1 << 7,
  invlpgExiting: 1 << 9,
  cr3LoadExiting: 1 << 15,
  cr3StoreExiting: 1 << 16,
  /** 0: every RDMSR and WRMSR exits. 1: as the bitmap says; this machine's bitmap is all zero. */
  useMsrBitmaps: 1 << 28,
  secondaryControls: 1 << 31,
} as const;

/** Bits of `secondary_controls`. */
export const SECONDARY = {
  enableEpt: 1 << 1,
  enableVpid: 1 << 5,
  unrestrictedGuest: 1 << 7,
  enableVmFunctions: 1 << 13,
  enablePml: 1 << 17,
  eptViolationVe: 1 << 18,
  modeBasedExecute: 1 << 22,
} as const;

/** Bits of `vm_function_controls`. SDM Vol. 3, "VM-Function Controls". */
export const VM_FUNCTION = { eptpSwitching: 1 << 0 } as const;

/** Fields of an EPT pointer's low half. SDM Vol. 3, "Extended-Page-Table Pointer (EPTP)". */
export const EPTP = {
  memoryTypeMask: 7,
  /** Bits 5:3: page-walk length minus 1. */
  walkLengthShift: 3,
  walkLengthMask: 7,
  accessedDirty: 1 << 6,
} as const;

/** Bits of VM-entry and VM-exit interruption information. SDM Vol. 3, "VM-Entry Interruption-Information Field". */
export const INTERRUPTION = {
  vectorMask: 0xff,
  hardwareException: 3 << 8,
  errorCodeValid: 1 << 11,
  valid: 1 << 31,
} as const;

/** Position of the DPL in `guest_ss_access_rights`: it is the guest's CPL. */
export const SS_DPL_SHIFT = 5;
