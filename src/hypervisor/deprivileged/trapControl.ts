import { RFLAGS } from '../../hardware/processor/controlRegisters';
import { VMCS } from '../../hardware/vmx/vmcs';
import type { ControlBlock } from '../controlBlock';
import { vmcsControl } from '../vmcsControl';

/** What a hypervisor without VMX keeps of its virtual CPU, spoken of as what it is: a trap frame, and an event to reflect. */
export const trapControl: ControlBlock = {
  ...vmcsControl,
  words: {
    ...vmcsControl.words,
    injection: 'the event to reflect',
    vectoring: 'the event that was being reflected',
    entry: 'own IDT',
    names: { completeInterrupts: 'complete_interrupts', externalInterrupt: 'handle_external_interrupt', interruptWindow: 'handle_interrupt_window', io: 'handle_io' },
    acknowledge: 'the number of the gate that was taken',
    openWindow: 'the guest is looked at as soon as its RFLAGS.IF is 1',
    closeWindow: 'nothing waits for its RFLAGS.IF',
    halt: 'the vCPU waits',
    io: 'the operands of the instruction',
    hidden: 'nothing',
  },
  takesInterrupts: (processor) => (processor.guest.flags & RFLAGS.IF) !== 0 && processor.hypervisor.read(VMCS.guest_interruptibility) === 0,
};
