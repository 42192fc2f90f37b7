import { RFLAGS } from '../hardware/processor/controlRegisters';
import type { Processor } from '../hardware/processor/processor';
import { ACTIVITY, INTERRUPTIBILITY } from '../hardware/processor/registers';
import { INTERRUPTION, INTERRUPTION_TYPE, PRIMARY, VMCS } from '../hardware/vmx/vmcs';
import type { VmcsAccess } from '../hardware/vmx/vmcsAccess';
import type { ControlBlock } from './controlBlock';

const IO_SIZE = 7;
const IO_IN_SHIFT = 3;

/** Its fields. */
type VmcsFields = Pick<VmcsAccess, 'read' | 'write'>;

/** A VMCS, whose fields are reached so. */
const vmcsControlBy = (of: (processor: Processor) => VmcsFields): ControlBlock => ({
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
  pdptes: 'in registers',
  setEfer: (processor, lo) => of(processor).write(VMCS.guest_ia32_efer, lo, 0),
  exitReason: (processor) => of(processor).read(VMCS.exit_reason),
  writtenReason: ({ vmcs }) => vmcs[VMCS.exit_reason]!,
  vectoring: (processor) => {
    const vectoring = of(processor).read(VMCS.idt_vectoring_info);
    return (vectoring & INTERRUPTION.valid) === 0 ? 0 : vectoring;
  },
  reinjectVectored: (processor) => reinjectVectored(of(processor)),
  // SDM Vol. 3, "VM-Entry Controls for Event Injection".
  inject: (processor, information, errorCode) => {
    const vmcs = of(processor);
    vmcs.write(VMCS.entry_interruption_info, information, 0);
    vmcs.write(VMCS.entry_exception_error_code, errorCode, 0);
  },
  acknowledge: (processor) => of(processor).read(VMCS.exit_interruption_info) & INTERRUPTION.vectorMask,
  // SDM Vol. 3, "Guest Non-Register State": STI and MOV SS block for one instruction.
  takesInterrupts: (processor) => (of(processor).read(VMCS.guest_rflags) & RFLAGS.IF) !== 0 && of(processor).read(VMCS.guest_interruptibility) === 0,
  setWindow: (processor, to) => {
    change(of(processor), VMCS.primary_controls, PRIMARY.interruptWindowExiting, to === 'open' ? PRIMARY.interruptWindowExiting : 0);
  },
  halt: ({ processor }) => of(processor).write(VMCS.guest_activity_state, ACTIVITY.hlt, 0),
  wake: ({ processor }) => of(processor).write(VMCS.guest_activity_state, ACTIVITY.active, 0),
  io: (processor) => {
    const qualification = of(processor).read(VMCS.exit_qualification);
    return { port: qualification >>> 16, size: (qualification & IO_SIZE) + 1, isIn: (qualification >>> IO_IN_SHIFT) & 1 };
  },
});

/** That of a guest's hypervisor. */
export const vmcsControl = vmcsControlBy(({ hypervisor }) => hypervisor);

/** The one that the processor runs by, whoever its guest's hypervisor is: L0 reaches vmcs02 so. */
export const currentVmcsControl = vmcsControlBy(({ vmcs }) => ({
  read: (at) => vmcs[at]!,
  write: (at, lo, hi) => {
    vmcs[at] = lo;
    vmcs[at + 1] = hi;
  },
}));

/**
 * The next entry by this VMCS delivers the event that the exit broke into; without one it delivers nothing. SDM Vol. 3, "Information for VM
 * Exits During Event Delivery", "VM-Entry Controls for Event Injection".
 */
export function reinjectVectored(vmcs: VmcsFields): void {
  const vectoring = vmcs.read(VMCS.idt_vectoring_info);
  if ((vectoring & INTERRUPTION.valid) === 0) return;
  vmcs.write(VMCS.entry_interruption_info, vectoring & ~INTERRUPTION.reserved, 0);
  vmcs.write(VMCS.entry_exception_error_code, vmcs.read(VMCS.idt_vectoring_error_code), 0);
  vmcs.write(VMCS.entry_instruction_length, vmcs.read(VMCS.exit_instruction_length), 0);
  // Its delivery blocks NMIs once more; a VM entry with both is refused.
  if ((vectoring & INTERRUPTION.typeMask) === INTERRUPTION_TYPE.nmi) change(vmcs, VMCS.guest_interruptibility, INTERRUPTIBILITY.blockingByNmi, 0);
}

/** The bits of `mask` become those of `value`, in a field of 32 bits. */
function change(hypervisor: VmcsFields, at: number, mask: number, value: number): void {
  hypervisor.write(at, (hypervisor.read(at) & ~mask) | value, 0);
}
