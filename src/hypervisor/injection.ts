import type { Processor } from '../hardware/processor/processor';
import { INTERRUPTIBILITY, REGISTER } from '../hardware/processor/registers';
import { INTERRUPTION, INTERRUPTION_TYPE, VMCS } from '../hardware/vmx/vmcs';

const GENERAL_PROTECTION = 13;
const PAGE_FAULT = 14;

/** The next VM entry delivers a page fault at linear address (lo, hi). CR2 is root mode's to load: no field of the VMCS has it. */
export function injectPageFault(processor: Processor, lo: number, hi: number, errorCode: number): void {
  processor.registers[2 * REGISTER.cr2] = lo;
  processor.registers[2 * REGISTER.cr2 + 1] = hi;
  inject(processor.vmcs, PAGE_FAULT, errorCode);
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
