import type { Processor } from '../hardware/processor/processor';
import { INTERRUPTIBILITY, REGISTER } from '../hardware/processor/registers';
import { DeliveredEvent } from '../hardware/delivery/deliveredEvent';
import { secondEvent } from '../hardware/delivery/doubleFault';
import { INTERRUPTION, INTERRUPTION_TYPE, PRIMARY, VMCS } from '../hardware/vmx/vmcs';
import { STOP_REASON, type VcpuState } from './vcpuState';

const DOUBLE_FAULT = 8;
const GENERAL_PROTECTION = 13;
const PAGE_FAULT = 14;

/**
 * The next VM entry delivers a page fault at linear address (lo, hi). CR2 is root mode's to load: no field of the VMCS has it.
 * One that the delivery of an exception met may be a double fault, as KVM's kvm_multiple_exception has it; one that the
 * delivery of an interrupt met goes before it, and the interrupt waits; one in the delivery of a double fault stops the VM.
 */
export function injectPageFault(processor: Processor, vcpu: VcpuState, lo: number, hi: number, errorCode: number): void {
  processor.registers[2 * REGISTER.cr2] = lo;
  processor.registers[2 * REGISTER.cr2 + 1] = hi;
  const { vmcs } = processor;
  const vectoring = vmcs[VMCS.idt_vectoring_info]!;
  if ((vectoring & INTERRUPTION.valid) === 0) return inject(vmcs, PAGE_FAULT, errorCode);
  const type = vectoring & INTERRUPTION.typeMask;
  if (type === INTERRUPTION_TYPE.externalInterrupt) {
    vcpu.requestInterrupt(vectoring & INTERRUPTION.vectorMask);
    vmcs[VMCS.primary_controls]! |= PRIMARY.interruptWindowExiting;
  }
  const first = new DeliveredEvent();
  first.setInformation(vectoring, 0, 0);
  switch (secondEvent(first, PAGE_FAULT)) {
    case 'deliver the second': return inject(vmcs, PAGE_FAULT, errorCode);
    case 'double fault': return inject(vmcs, DOUBLE_FAULT, 0);
    case 'shutdown': vcpu.stop = STOP_REASON.tripleFault;
  }
}

/** The next VM entry delivers #GP(0). */
export function injectGeneralProtection(processor: Processor): void {
  inject(processor.vmcs, GENERAL_PROTECTION, 0);
}

/**
 * The next VM entry delivers the event that the exit broke into, as if nothing had been; without one it delivers nothing.
 * SDM Vol. 3, "Information for VM Exits During Event Delivery", "VM-Entry Controls for Event Injection".
 */
export function reinjectVectored(processor: Processor): void {
  const { vmcs } = processor;
  const vectoring = vmcs[VMCS.idt_vectoring_info]!;
  if ((vectoring & INTERRUPTION.valid) === 0) return;
  vmcs[VMCS.entry_interruption_info] = vectoring & ~INTERRUPTION.reserved;
  vmcs[VMCS.entry_exception_error_code] = vmcs[VMCS.idt_vectoring_error_code]!;
  vmcs[VMCS.entry_instruction_length] = vmcs[VMCS.exit_instruction_length]!;
  // Its delivery blocks NMIs once more; a VM entry with both is refused.
  if ((vectoring & INTERRUPTION.typeMask) === INTERRUPTION_TYPE.nmi) vmcs[VMCS.guest_interruptibility]! &= ~INTERRUPTIBILITY.blockingByNmi;
}

/** SDM Vol. 3, "VM-Entry Controls for Event Injection". */
function inject(vmcs: Int32Array, vector: number, errorCode: number): void {
  vmcs[VMCS.entry_interruption_info] = vector | INTERRUPTION.hardwareException | INTERRUPTION.errorCodeValid | INTERRUPTION.valid;
  vmcs[VMCS.entry_interruption_info + 1] = 0;
  vmcs[VMCS.entry_exception_error_code] = errorCode;
  vmcs[VMCS.entry_exception_error_code + 1] = 0;
}
