import { CR4, EFER, RFLAGS } from '../../hardware/processor/controlRegisters';
import { ACTIVITY } from '../../hardware/processor/registers';
import { SEGMENT_RIGHTS, SEGMENT_TYPE } from '../../hardware/segments/segmentRegisters';
import { ENTRY, EXIT, VMCS, type VmcsFieldName } from '../../hardware/vmx/vmcs';

/** Host-state fields that become the guest's of vmcs01 as they are. */
const plain: readonly (readonly [guest: VmcsFieldName, host: VmcsFieldName])[] = [
  ['guest_cr0', 'host_cr0'], ['guest_cr3', 'host_cr3'], ['guest_rsp', 'host_rsp'], ['guest_rip', 'host_rip'],
  ['guest_sysenter_cs', 'host_sysenter_cs'], ['guest_sysenter_esp', 'host_sysenter_esp'], ['guest_sysenter_eip', 'host_sysenter_eip'],
  ['guest_fs_base', 'host_fs_base'], ['guest_gs_base', 'host_gs_base'], ['guest_tr_base', 'host_tr_base'],
  ['guest_gdtr_base', 'host_gdtr_base'], ['guest_idtr_base', 'host_idtr_base'],
];

const DATA_RIGHTS = SEGMENT_TYPE.accessed | SEGMENT_TYPE.writable | SEGMENT_RIGHTS.codeOrData | SEGMENT_RIGHTS.present
  | SEGMENT_RIGHTS.big | SEGMENT_RIGHTS.granularity;
const CODE_RIGHTS = SEGMENT_TYPE.accessed | SEGMENT_TYPE.readable | SEGMENT_TYPE.code | SEGMENT_RIGHTS.codeOrData | SEGMENT_RIGHTS.present
  | SEGMENT_RIGHTS.granularity;
const BUSY_TSS = 11;
const TSS_LIMIT = 0x67;
const TABLE_LIMIT = 0xffff;

/**
 * Makes vmcs01 the state in which a VM exit leaves a processor whose host-state area vmcs12 has (KVM's
 * load_vmcs12_host_state): the next VM entry of L0 goes to L1's exit handler. SDM Vol. 3, "Loading Host State".
 */
export function loadHostState(vmcs01: Int32Array, vmcs12: Int32Array): void {
  const set = (name: VmcsFieldName, lo: number, hi = 0): void => {
    vmcs01[VMCS[name]] = lo;
    vmcs01[VMCS[name] + 1] = hi;
  };
  const host = (name: VmcsFieldName): number => vmcs12[VMCS[name]]!;
  for (const [guest, from] of plain) set(guest, host(from), vmcs12[VMCS[from] + 1]);
  const is64 = (host('exit_controls') & EXIT.hostAddressSpaceSize) !== 0;
  set('guest_cr4', is64 ? host('host_cr4') | CR4.PAE : host('host_cr4') & ~CR4.PCIDE);
  const lengths = EFER.LMA | EFER.LME;
  const efer = host('exit_controls') & EXIT.loadEfer ? host('host_ia32_efer') : vmcs01[VMCS.guest_ia32_efer]!;
  set('guest_ia32_efer', is64 ? efer | lengths : efer & ~lengths);
  vmcs01[VMCS.entry_controls] = (vmcs01[VMCS.entry_controls]! & ~ENTRY.ia32eModeGuest) | (is64 ? ENTRY.ia32eModeGuest : 0);
  if (host('exit_controls') & EXIT.loadPkrs) set('guest_ia32_pkrs', host('host_ia32_pkrs'));
  set('guest_rflags', RFLAGS.fixed);
  set('guest_activity_state', ACTIVITY.active);
  set('guest_interruptibility', 0);
  set('guest_pending_debug_exceptions', 0);
  set('entry_interruption_info', 0);
  for (const name of ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const) {
    const selector = host(`host_${name}_selector`);
    const isCode = name === 'cs';
    const rights = isCode ? CODE_RIGHTS | (is64 ? SEGMENT_RIGHTS.long : SEGMENT_RIGHTS.big) : DATA_RIGHTS;
    set(`guest_${name}_selector`, selector);
    set(`guest_${name}_limit`, -1);
    set(`guest_${name}_access_rights`, selector === 0 && !isCode ? rights | SEGMENT_RIGHTS.unusable : rights);
    if (name !== 'fs' && name !== 'gs') set(`guest_${name}_base`, 0);
  }
  set('guest_tr_selector', host('host_tr_selector'));
  set('guest_tr_limit', TSS_LIMIT);
  set('guest_tr_access_rights', BUSY_TSS | SEGMENT_RIGHTS.present);
  set('guest_ldtr_selector', 0);
  set('guest_ldtr_access_rights', SEGMENT_RIGHTS.unusable);
  set('guest_gdtr_limit', TABLE_LIMIT);
  set('guest_idtr_limit', TABLE_LIMIT);
}
