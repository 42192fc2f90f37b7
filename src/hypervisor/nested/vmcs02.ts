import { adjustControls } from '../../hardware/vmx/vmxControls';
import type { ProcessorFeatures } from '../../hardware/processor/processorFeatures';
import { EXIT, ENTRY, PIN, PRIMARY, SECONDARY, VMCS, type VmcsFieldName, vmcsFields } from '../../hardware/vmx/vmcs';
import { fieldGroup } from '../../hardware/vmx/vmcsEncoding';

/** What goes into vmcs02 that neither vmcs01 nor vmcs12 has. */
export interface Merged {
  readonly features: ProcessorFeatures;
  /** EPT02, or EPT01 when L1 uses no EPT: L2's physical addresses are L1's then. */
  readonly eptpLo: number;
  readonly eptpHi: number;
  readonly vpid: number;
  /** Host frame of the MSR bitmaps of both. */
  readonly msrBitmap: number;
}

/** Word of the low half of each field of the guest-state area, and of those that are L1's to choose as they are. */
const guestState: readonly number[] = vmcsFields.filter(({ encoding }) => fieldGroup(encoding) === 'guest state').map(({ name }) => VMCS[name]);
const fromVmcs12: readonly number[] = ([
  'exception_bitmap', 'pfec_mask', 'pfec_match', 'cr0_guest_host_mask', 'cr4_guest_host_mask', 'cr0_read_shadow', 'cr4_read_shadow',
  'cr3_target_count', 'cr3_target0', 'cr3_target1', 'cr3_target2', 'cr3_target3',
  'entry_interruption_info', 'entry_exception_error_code', 'entry_instruction_length', 'tsc_offset', 'tpr_threshold',
] as const satisfies readonly VmcsFieldName[]).map((name) => VMCS[name]);

/** Secondary controls that say how L2's memory is translated: L0 answers for them, L1's settings are emulated. */
const OWN_SECONDARY = SECONDARY.enableEpt | SECONDARY.enableVpid | SECONDARY.enablePml;

/**
 * Makes vmcs02 out of vmcs01 and vmcs12 (KVM's prepare_vmcs02): guest state and what L1 wants to hear of are L1's, host state,
 * translation and what L0 wants to hear of are L0's. An exit is asked for when either asks. `vmcs` has vmcs01 when this is
 * called, and vmcs02 afterwards.
 */
export function mergeVmcs(vmcs: Int32Array, vmcs12: Int32Array, { features, eptpLo, eptpHi, vpid, msrBitmap }: Merged): void {
  const set = (at: number, lo: number, hi: number): void => {
    vmcs[at] = lo;
    vmcs[at + 1] = hi;
  };
  const primary12 = vmcs12[VMCS.primary_controls]!;
  const secondary12 = primary12 & PRIMARY.secondaryControls ? vmcs12[VMCS.secondary_controls]! : 0;
  for (const at of guestState) set(at, vmcs12[at]!, vmcs12[at + 1]!);
  for (const at of fromVmcs12) set(at, vmcs12[at]!, vmcs12[at + 1]!);
  set(VMCS.vmcs_link_pointer, -1, -1);
  vmcs[VMCS.pin_controls]! |= vmcs12[VMCS.pin_controls]! & (PIN.externalInterruptExiting | PIN.nmiExiting | PIN.virtualNmis);
  // L0 hears of every port; its windows of L1's are none of L2's.
  const windows = PRIMARY.interruptWindowExiting | PRIMARY.nmiWindowExiting;
  const bitmaps = PRIMARY.useIoBitmaps | PRIMARY.useMsrBitmaps;
  const primary = (vmcs[VMCS.primary_controls]! & ~windows) | primary12 | PRIMARY.secondaryControls | PRIMARY.unconditionalIoExiting;
  vmcs[VMCS.primary_controls] = (primary & ~bitmaps) | (primary12 & PRIMARY.useMsrBitmaps);
  const own = SECONDARY.enableEpt | (vpid === 0 ? 0 : SECONDARY.enableVpid);
  vmcs[VMCS.secondary_controls] = adjustControls('secondary', (secondary12 & ~OWN_SECONDARY) | own, features);
  // Exits load L0's state and save what L1 may ask for; entries load what L1 asks for.
  vmcs[VMCS.exit_controls]! |= EXIT.saveEfer | EXIT.loadEfer;
  vmcs[VMCS.entry_controls] = vmcs12[VMCS.entry_controls]! | (vmcs[VMCS.entry_controls]! & ENTRY.loadPkrs);
  set(VMCS.eptp, eptpLo, eptpHi);
  set(VMCS.vpid, vpid, 0);
  set(VMCS.msr_bitmap, msrBitmap << 12, msrBitmap >>> 20);
}

/**
 * What an exit to L1 leaves in vmcs12: the guest state as vmcs02 has it (KVM's sync_vmcs02_to_vmcs12), and the exit
 * information. `write` gets each field's word and halves.
 */
export function syncToVmcs12(vmcs02: Int32Array, vmcs12: Int32Array, write: (at: number, lo: number, hi: number) => void): void {
  for (const at of guestState) {
    // Of L1's page-modification log L0 has written the index itself.
    if (at === VMCS.vmcs_link_pointer || at === VMCS.pml_index) continue;
    if (at === VMCS.guest_ia32_efer && (vmcs12[VMCS.exit_controls]! & EXIT.saveEfer) === 0) continue;
    write(at, vmcs02[at]!, vmcs02[at + 1]!);
  }
  const ia32e = vmcs02[VMCS.entry_controls]! & ENTRY.ia32eModeGuest;
  write(VMCS.entry_controls, (vmcs12[VMCS.entry_controls]! & ~ENTRY.ia32eModeGuest) | ia32e, 0);
  for (const at of exitInformation) write(at, vmcs02[at]!, vmcs02[at + 1]!);
}

const exitInformation: readonly number[] = vmcsFields
  .filter(({ name, encoding }) => fieldGroup(encoding) === 'exit information' && name !== 'vm_instruction_error')
  .map(({ name }) => VMCS[name]);
