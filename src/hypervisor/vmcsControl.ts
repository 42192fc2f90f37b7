import { RFLAGS } from '../hardware/processor/controlRegisters';
import { ACTIVITY, INTERRUPTIBILITY } from '../hardware/processor/registers';
import { INTERRUPTION, INTERRUPTION_TYPE, PRIMARY, VMCS } from '../hardware/vmx/vmcs';
import type { ControlBlock } from './controlBlock';

const IO_SIZE = 7;
const IO_IN_SHIFT = 3;

/** A VMCS. */
export const vmcsControl: ControlBlock = {
  block: 'vmcs',
  words: {
    injection: 'VM-entry interruption information',
    vectoring: 'IDT-vectoring information',
    entry: 'VM entry',
    exits: {
      external_interrupt: 'reason is EXTERNAL_INTERRUPT', interrupt_window: 'reason is INTERRUPT_WINDOW', cpuid: 'reason is CPUID', hlt: 'reason is HLT',
      io_instruction: 'reason is IO_INSTRUCTION', rdmsr: 'reason is RDMSR', wrmsr: 'reason is WRMSR', vmcall: 'reason is VMCALL',
      triple_fault: 'reason is TRIPLE_FAULT',
    },
    names: {
      completeInterrupts: 'vmx_complete_interrupts', externalInterrupt: 'handle_external_interrupt', interruptWindow: 'handle_interrupt_window', io: 'handle_io',
    },
    acknowledge: 'VM-exit interruption information',
    openWindow: 'interrupt-window exiting = 1',
    closeWindow: 'interrupt-window exiting = 0',
    halt: 'guest activity state = HLT',
    io: 'exit qualification',
    hidden: 'VMX',
  },
  acknowledgeWrites: [],
  haltWrites: ['vmcs'],
  hiddenCpuid: 0,
  hiddenEfer: 0,
  exitReason: ({ vmcs }) => vmcs[VMCS.exit_reason]!,
  vectoring: ({ vmcs }) => {
    const vectoring = vmcs[VMCS.idt_vectoring_info]!;
    return (vectoring & INTERRUPTION.valid) === 0 ? 0 : vectoring;
  },
  // SDM Vol. 3, "Information for VM Exits During Event Delivery", "VM-Entry Controls for Event Injection".
  reinjectVectored: ({ vmcs }) => {
    const vectoring = vmcs[VMCS.idt_vectoring_info]!;
    if ((vectoring & INTERRUPTION.valid) === 0) return;
    vmcs[VMCS.entry_interruption_info] = vectoring & ~INTERRUPTION.reserved;
    vmcs[VMCS.entry_exception_error_code] = vmcs[VMCS.idt_vectoring_error_code]!;
    vmcs[VMCS.entry_instruction_length] = vmcs[VMCS.exit_instruction_length]!;
    // Its delivery blocks NMIs once more; a VM entry with both is refused.
    if ((vectoring & INTERRUPTION.typeMask) === INTERRUPTION_TYPE.nmi) vmcs[VMCS.guest_interruptibility]! &= ~INTERRUPTIBILITY.blockingByNmi;
  },
  // SDM Vol. 3, "VM-Entry Controls for Event Injection".
  inject: ({ vmcs }, information, errorCode) => {
    vmcs[VMCS.entry_interruption_info] = information;
    vmcs[VMCS.entry_interruption_info + 1] = 0;
    vmcs[VMCS.entry_exception_error_code] = errorCode;
    vmcs[VMCS.entry_exception_error_code + 1] = 0;
  },
  acknowledge: ({ vmcs }) => vmcs[VMCS.exit_interruption_info]! & INTERRUPTION.vectorMask,
  // SDM Vol. 3, "Guest Non-Register State": STI and MOV SS block for one instruction.
  takesInterrupts: ({ vmcs }) => (vmcs[VMCS.guest_rflags]! & RFLAGS.IF) !== 0 && vmcs[VMCS.guest_interruptibility] === 0,
  setWindow: ({ vmcs }, to) => {
    if (to === 'open') vmcs[VMCS.primary_controls]! |= PRIMARY.interruptWindowExiting;
    else vmcs[VMCS.primary_controls]! &= ~PRIMARY.interruptWindowExiting;
  },
  halt: ({ processor: { vmcs } }) => { vmcs[VMCS.guest_activity_state] = ACTIVITY.hlt; },
  wake: ({ processor: { vmcs } }) => { vmcs[VMCS.guest_activity_state] = ACTIVITY.active; },
  io: ({ vmcs }) => {
    const qualification = vmcs[VMCS.exit_qualification]!;
    return { port: qualification >>> 16, size: (qualification & IO_SIZE) + 1, isIn: (qualification >>> IO_IN_SHIFT) & 1 };
  },
};
