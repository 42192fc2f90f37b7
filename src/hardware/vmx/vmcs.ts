import type { StateClaims } from '../state/registry';

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
  { name: 'guest_es_selector', encoding: 0x0800 },
  { name: 'guest_cs_selector', encoding: 0x0802 },
  { name: 'guest_ss_selector', encoding: 0x0804 },
  { name: 'guest_ds_selector', encoding: 0x0806 },
  { name: 'guest_fs_selector', encoding: 0x0808 },
  { name: 'guest_gs_selector', encoding: 0x080a },
  { name: 'guest_ldtr_selector', encoding: 0x080c },
  { name: 'guest_tr_selector', encoding: 0x080e },
  { name: 'host_es_selector', encoding: 0x0c00 },
  { name: 'host_cs_selector', encoding: 0x0c02 },
  { name: 'host_ss_selector', encoding: 0x0c04 },
  { name: 'host_ds_selector', encoding: 0x0c06 },
  { name: 'host_fs_selector', encoding: 0x0c08 },
  { name: 'host_gs_selector', encoding: 0x0c0a },
  { name: 'host_tr_selector', encoding: 0x0c0c },
  { name: 'io_bitmap_a', encoding: 0x2000 },
  { name: 'io_bitmap_b', encoding: 0x2002 },
  { name: 'exit_msr_store_address', encoding: 0x2006 },
  { name: 'exit_msr_load_address', encoding: 0x2008 },
  { name: 'entry_msr_load_address', encoding: 0x200a },
  { name: 'tsc_offset', encoding: 0x2010 },
  { name: 'vmcs_link_pointer', encoding: 0x2800 },
  { name: 'guest_ia32_debugctl', encoding: 0x2802 },
  { name: 'guest_ia32_pat', encoding: 0x2804 },
  { name: 'host_ia32_pat', encoding: 0x2c00 },
  { name: 'pin_controls', encoding: 0x4000 },
  { name: 'cr3_target_count', encoding: 0x400a },
  { name: 'exit_msr_store_count', encoding: 0x400e },
  { name: 'exit_msr_load_count', encoding: 0x4010 },
  { name: 'entry_msr_load_count', encoding: 0x4014 },
  { name: 'tpr_threshold', encoding: 0x401c },
  { name: 'vm_instruction_error', encoding: 0x4400 },
  { name: 'guest_es_limit', encoding: 0x4800 },
  { name: 'guest_cs_limit', encoding: 0x4802 },
  { name: 'guest_ss_limit', encoding: 0x4804 },
  { name: 'guest_ds_limit', encoding: 0x4806 },
  { name: 'guest_fs_limit', encoding: 0x4808 },
  { name: 'guest_gs_limit', encoding: 0x480a },
  { name: 'guest_ldtr_limit', encoding: 0x480c },
  { name: 'guest_tr_limit', encoding: 0x480e },
  { name: 'guest_gdtr_limit', encoding: 0x4810 },
  { name: 'guest_idtr_limit', encoding: 0x4812 },
  { name: 'guest_es_access_rights', encoding: 0x4814 },
  { name: 'guest_cs_access_rights', encoding: 0x4816 },
  { name: 'guest_ds_access_rights', encoding: 0x481a },
  { name: 'guest_fs_access_rights', encoding: 0x481c },
  { name: 'guest_gs_access_rights', encoding: 0x481e },
  { name: 'guest_ldtr_access_rights', encoding: 0x4820 },
  { name: 'guest_tr_access_rights', encoding: 0x4822 },
  { name: 'guest_interruptibility', encoding: 0x4824 },
  { name: 'guest_activity_state', encoding: 0x4826 },
  { name: 'guest_sysenter_cs', encoding: 0x482a },
  { name: 'host_sysenter_cs', encoding: 0x4c00 },
  { name: 'cr3_target0', encoding: 0x6008 },
  { name: 'cr3_target1', encoding: 0x600a },
  { name: 'cr3_target2', encoding: 0x600c },
  { name: 'cr3_target3', encoding: 0x600e },
  { name: 'guest_es_base', encoding: 0x6806 },
  { name: 'guest_cs_base', encoding: 0x6808 },
  { name: 'guest_ss_base', encoding: 0x680a },
  { name: 'guest_ds_base', encoding: 0x680c },
  { name: 'guest_fs_base', encoding: 0x680e },
  { name: 'guest_gs_base', encoding: 0x6810 },
  { name: 'guest_ldtr_base', encoding: 0x6812 },
  { name: 'guest_tr_base', encoding: 0x6814 },
  { name: 'guest_gdtr_base', encoding: 0x6816 },
  { name: 'guest_idtr_base', encoding: 0x6818 },
  { name: 'guest_dr7', encoding: 0x681a },
  { name: 'guest_rsp', encoding: 0x681c },
  { name: 'guest_rip', encoding: 0x681e },
  { name: 'guest_pending_debug_exceptions', encoding: 0x6822 },
  { name: 'host_fs_base', encoding: 0x6c06 },
  { name: 'host_gs_base', encoding: 0x6c08 },
  { name: 'host_tr_base', encoding: 0x6c0a },
  { name: 'host_gdtr_base', encoding: 0x6c0c },
  { name: 'host_idtr_base', encoding: 0x6c0e },
  { name: 'host_sysenter_esp', encoding: 0x6c10 },
  { name: 'host_sysenter_eip', encoding: 0x6c12 },
  { name: 'host_rsp', encoding: 0x6c14 },
  { name: 'host_rip', encoding: 0x6c16 },
  { name: 'guest_sysenter_esp', encoding: 0x6824 },
  { name: 'guest_sysenter_eip', encoding: 0x6826 },
] as const satisfies readonly VmcsField[];

export type VmcsFieldName = (typeof vmcsFields)[number]['name'];

/** Word index of each field's low half; the high half is the next word. */
export const VMCS = Object.fromEntries(vmcsFields.map((row, index) => [row.name, 2 * index])) as Record<VmcsFieldName, number>;

/** VMCS revision identifier: the first word of a VMCS region. SDM Vol. 3, "Format of the VMCS Region". */
export const VMCS_REVISION = 1;

/** Claims the VMCS of one virtual processor. */
export function claimVmcs(registry: StateClaims, cpu: number): Int32Array {
  const vmcs = registry.block(`cpu${cpu}.vmcs`, 2 * vmcsFields.length + 1);
  vmcs[VMCS_LAUNCH_STATE] = LAUNCH_STATE.clear;
  return vmcs;
}

/** Word of the launch state, which is no field. SDM Vol. 3, "Software Use of Virtual-Machine Control Structures". */
export const VMCS_LAUNCH_STATE = 2 * vmcsFields.length;
export const LAUNCH_STATE = {
  /** There is no current VMCS: VMCLEAR has taken it away, and VMPTRLD brings it back. */
  none: 0,
  clear: 1,
  launched: 2,
  /** A loader has put the guest in the middle of things; no VM entry has checked it. */
  loaded: 3,
} as const;

/** Bits of `pin_controls`. SDM Vol. 3, "Pin-Based VM-Execution Controls". */
export const PIN = { externalInterruptExiting: 1 << 0, nmiExiting: 1 << 3, virtualNmis: 1 << 5 } as const;

/** Bits of `primary_controls`. SDM Vol. 3, "Processor-Based VM-Execution Controls". */
export const PRIMARY = {
  interruptWindowExiting: 1 << 2,
  hltExiting: 1 << 7,
  invlpgExiting: 1 << 9,
  cr3LoadExiting: 1 << 15,
  cr3StoreExiting: 1 << 16,
  nmiWindowExiting: 1 << 22,
  unconditionalIoExiting: 1 << 24,
  /** Then unconditional I/O exiting is ignored. */
  useIoBitmaps: 1 << 25,
  /** 0: every RDMSR and WRMSR exits. 1: as the bitmaps say. */
  useMsrBitmaps: 1 << 28,
  secondaryControls: 1 << 31,
} as const;

/** Bits of `secondary_controls`. */
export const SECONDARY = {
  enableEpt: 1 << 1,
  descriptorTableExiting: 1 << 2,
  enableVpid: 1 << 5,
  unrestrictedGuest: 1 << 7,
  enableInvpcid: 1 << 12,
  enableVmFunctions: 1 << 13,
  enablePml: 1 << 17,
  eptViolationVe: 1 << 18,
  modeBasedExecute: 1 << 22,
} as const;

/** Bits of `exit_controls`. SDM Vol. 3, "VM-Exit Controls". */
export const EXIT = {
  hostAddressSpaceSize: 1 << 9,
  acknowledgeInterrupt: 1 << 15,
  saveEfer: 1 << 20,
  loadEfer: 1 << 21,
  loadPkrs: 1 << 29,
} as const;

/** Bits of `entry_controls`. SDM Vol. 3, "VM-Entry Controls". */
export const ENTRY = { ia32eModeGuest: 1 << 9, loadEfer: 1 << 15, loadPkrs: 1 << 22 } as const;

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
  typeMask: 7 << 8,
  hardwareException: 3 << 8,
  errorCodeValid: 1 << 11,
  /** Of an exit: NMI unblocking due to IRET. */
  nmiUnblocking: 1 << 12,
  /** Bits 30:12. */
  reserved: 0x7fff_f000,
  valid: 1 << 31,
} as const;

/** Types of event, in place in interruption information. */
export const INTERRUPTION_TYPE = {
  externalInterrupt: 0 << 8,
  nmi: 2 << 8,
  hardwareException: 3 << 8,
  softwareInterrupt: 4 << 8,
  privilegedSoftwareException: 5 << 8,
  softwareException: 6 << 8,
} as const;

/** Position of the DPL in `guest_ss_access_rights`: it is the guest's CPL. */
export const SS_DPL_SHIFT = 5;
