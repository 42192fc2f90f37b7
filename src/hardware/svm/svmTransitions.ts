import { REGISTER } from '../processor/registers';
import { EVENT, NESTED_CONTROL, VMCB, type VmcbFieldName } from './vmcb';

/** Guest state that #VMEXIT saves and VMRUN loads. APM Vol. 2, "VMRUN Instruction", "#VMEXIT". */
const guestState: readonly (readonly [number, VmcbFieldName])[] = [
  [REGISTER.cr0, 'guest_cr0'], [REGISTER.cr2, 'guest_cr2'], [REGISTER.cr3, 'guest_cr3'], [REGISTER.cr4, 'guest_cr4'],
  [REGISTER.efer, 'guest_efer'], [REGISTER.rflags, 'guest_rflags'], [REGISTER.cpl, 'guest_cpl'],
  [REGISTER.rsp, 'guest_rsp'], [REGISTER.rax, 'guest_rax'],
  [REGISTER.rip, 'guest_rip'],
];

/** The event that was being injected has been delivered, or is now in EXITINTINFO: EVENTINJ is no longer valid. */
export function saveToVmcb(registers: Int32Array, vmcb: Int32Array): void {
  for (const [register, name] of guestState) {
    vmcb[VMCB[name]] = registers[2 * register]!;
    vmcb[VMCB[name] + 1] = registers[2 * register + 1]!;
  }
  vmcb[VMCB.eventinj]! &= ~EVENT.valid;
}

export function loadFromVmcb(registers: Int32Array, vmcb: Int32Array): void {
  for (const [register, name] of guestState) {
    registers[2 * register] = vmcb[VMCB[name]]!;
    registers[2 * register + 1] = vmcb[VMCB[name] + 1]!;
  }
}

export function usesNestedPaging(vmcb: Int32Array): boolean {
  return (vmcb[VMCB.nested_control]! & NESTED_CONTROL.enable) !== 0;
}

/** Writes a pair of halves to a field. */
export function setField(vmcb: Int32Array, name: VmcbFieldName, lo: number, hi: number): void {
  vmcb[VMCB[name]] = lo;
  vmcb[VMCB[name] + 1] = hi;
}
