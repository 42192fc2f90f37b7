import { hasErrorCode } from '../hardware/delivery/exceptions';
import { CR0 } from '../hardware/processor/controlRegisters';
import type { Processor } from '../hardware/processor/processor';
import { REGISTER } from '../hardware/processor/registers';
import { DeliveredEvent } from '../hardware/delivery/deliveredEvent';
import { secondEvent } from '../hardware/delivery/doubleFault';
import { INTERRUPTION, INTERRUPTION_TYPE } from '../hardware/vmx/vmcs';
import { controlBlockOf, type ControlBlock } from './controlBlock';
import { STOP_REASON, type VcpuState } from './vcpuState';

const DOUBLE_FAULT = 8;
const GENERAL_PROTECTION = 13;
const PAGE_FAULT = 14;

/**
 * The next VM entry delivers a page fault at linear address (lo, hi). CR2 is root mode's to load: no field of the VMCS has it,
 * and the VMCB's is written with it. One that the delivery of an exception met may be a double fault, as KVM's
 * kvm_multiple_exception has it; one that the delivery of an interrupt met goes before it, and the interrupt waits; one in the
 * delivery of a double fault stops the VM.
 */
export function injectPageFault(
  processor: Processor, vcpu: VcpuState, lo: number, hi: number, errorCode: number, control = controlBlockOf(processor),
): void {
  processor.registers[2 * REGISTER.cr2] = lo;
  processor.registers[2 * REGISTER.cr2 + 1] = hi;
  const vectoring = control.vectoring(processor);
  if (vectoring === 0) return inject(processor, PAGE_FAULT, errorCode, control);
  if ((vectoring & INTERRUPTION.typeMask) === INTERRUPTION_TYPE.externalInterrupt) {
    vcpu.requestInterrupt(vectoring & INTERRUPTION.vectorMask);
    control.setWindow(processor, 'open');
  }
  injectBehind(processor, vcpu, vectoring, PAGE_FAULT, errorCode, control);
}

/** The next VM entry delivers what comes of an exception that the delivery of an event, of interruption information `vectoring`, has met. */
export function injectBehind(
  processor: Processor, vcpu: VcpuState, vectoring: number, vector: number, errorCode: number, control = controlBlockOf(processor),
): void {
  const first = new DeliveredEvent();
  first.setInformation(vectoring, 0, 0);
  switch (secondEvent(first, vector)) {
    case 'deliver the second': return inject(processor, vector, errorCode, control);
    case 'double fault': return inject(processor, DOUBLE_FAULT, 0, control);
    case 'shutdown': vcpu.stop = STOP_REASON.tripleFault;
  }
}

/** The next VM entry delivers an exception; `errorCode` counts where the vector has one. */
export function injectException(processor: Processor, vector: number, errorCode: number): void {
  inject(processor, vector, errorCode, controlBlockOf(processor));
}

/** The next VM entry delivers #GP(0). */
export function injectGeneralProtection(processor: Processor, control = controlBlockOf(processor)): void {
  inject(processor, GENERAL_PROTECTION, 0, control);
}

function inject(processor: Processor, vector: number, errorCode: number, control: ControlBlock): void {
  // In real-address mode no exception has an error code.
  const codes = hasErrorCode(vector) && (processor.registers[2 * REGISTER.cr0]! & CR0.PE) !== 0 ? INTERRUPTION.errorCodeValid : 0;
  const information = vector | INTERRUPTION.hardwareException | codes | INTERRUPTION.valid;
  control.inject(processor, information, errorCode);
}
