import { CR0, CR4, EFER } from '../hardware/processor/controlRegisters';
import type { Processor } from '../hardware/processor/processor';
import { intercept, SVM_EXIT } from '../hardware/svm/svmExitCodes';
import { saveToVmcb } from '../hardware/svm/svmTransitions';
import { NESTED_CONTROL, TLB_CONTROL, V_INTR, VMCB, type VmcbFieldName } from '../hardware/svm/vmcb';
import type { PermissionMapAddresses } from './permissionMaps';

/**
 * What exits of any guest here, as KVM's init_vmcb has it with nested paging: control registers and page faults are the guest's
 * own. VMRUN must be among them. APM Vol. 2, "Canonicalization and Consistency Checks".
 */
const INTERCEPTED = [
  SVM_EXIT.intr, SVM_EXIT.vintr, SVM_EXIT.cpuid, SVM_EXIT.hlt, SVM_EXIT.ioio, SVM_EXIT.msr, SVM_EXIT.shutdown, SVM_EXIT.vmrun, SVM_EXIT.vmmcall,
] as const;

/** What a VM asks of its VMCBs. */
export interface VmcbWishes {
  readonly maps: PermissionMapAddresses;
  /** EXITCODEs of what exits besides. */
  readonly intercepted?: readonly number[];
  readonly asid: number;
  /** Host frame of the root of the nested tables. */
  readonly rootFrame: number;
  /** ASIDs in use: a VMRUN then leaves the TLB alone. */
  readonly tags: 'on' | 'off';
}

/**
 * Fills in a VMCB from the state that the processor's registers have: the guest begins as the machine would without a
 * hypervisor. EFER.SVME must be 1 in a guest; its own view of EFER is the hypervisor's, which sees each access.
 */
export function prepareVmcb(processor: Processor, { maps, intercepted = [], asid, rootFrame, tags }: VmcbWishes): void {
  const { registers, segments, vmcb } = processor;
  const set = (name: VmcbFieldName, lo: number, hi = 0): void => {
    vmcb[VMCB[name]] = lo;
    vmcb[VMCB[name] + 1] = hi;
  };
  saveToVmcb({ registers, segments, vmcb });
  set('guest_efer', vmcb[VMCB.guest_efer]! | EFER.SVME);
  intercept(vmcb, ...INTERCEPTED, ...intercepted);
  set('msrpm_base_pa', maps.msrpm);
  set('iopm_base_pa', maps.iopm);
  set('asid', asid);
  set('tlb_control', tags === 'on' ? TLB_CONTROL.nothing : TLB_CONTROL.everything);
  set('v_intr', V_INTR.masking);
  set('nested_control', NESTED_CONTROL.enable);
  set('n_cr3', rootFrame << 12, rootFrame >>> 20);
  // The host's own paging, in whose format the nested tables are.
  set('host_cr0', CR0.PE | CR0.ET | CR0.NE | CR0.WP | CR0.PG);
  set('host_cr4', CR4.PAE);
  set('host_efer', EFER.LME | EFER.LMA | EFER.NXE | EFER.SVME);
}
