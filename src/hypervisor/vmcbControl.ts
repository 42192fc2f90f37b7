import { EFER, RFLAGS } from '../hardware/processor/controlRegisters';
import { SVM_REPORTED } from '../hardware/processor/cpuid';
import { INSTRUCTION_LENGTH } from '../hardware/processor/instructionLengths';
import { sumHi } from '../hardware/memory/addressSum';
import { decodeIo } from '../hardware/svm/exitInformation';
import { exitReasonOfSvm } from '../hardware/svm/svmExitCodes';
import { setField } from '../hardware/svm/svmTransitions';
import { EVENT, EVENT_TYPE, INTERRUPT_SHADOW, V_INTR, VMCB } from '../hardware/svm/vmcb';
import type { ControlBlock } from './controlBlock';

/** Above any task priority: a virtual interrupt that only asks for the window waits for RFLAGS.IF and nothing else. */
const HIGHEST_PRIORITY = 15 << V_INTR.priorityShift;

/** A VMCB. */
export const vmcbControl: ControlBlock = {
  block: 'vmcb',
  words: {
    injection: 'EVENTINJ',
    vectoring: 'EXITINTINFO',
    entry: 'VMRUN',
    exits: {
      external_interrupt: 'exit_code is SVM_EXIT_INTR', interrupt_window: 'exit_code is SVM_EXIT_VINTR', cpuid: 'exit_code is SVM_EXIT_CPUID',
      hlt: 'exit_code is SVM_EXIT_HLT', io_instruction: 'exit_code is SVM_EXIT_IOIO', rdmsr: 'exit_code is SVM_EXIT_MSR, and EXITINFO1 0, a read',
      wrmsr: 'exit_code is SVM_EXIT_MSR, and EXITINFO1 1, a write', vmcall: 'exit_code is SVM_EXIT_VMMCALL', triple_fault: 'exit_code is SVM_EXIT_SHUTDOWN',
    },
    names: {
      completeInterrupts: 'svm_complete_interrupts', externalInterrupt: 'intr_interception', interruptWindow: 'interrupt_window_interception', io: 'io_interception',
    },
    acknowledge: 'what the local APIC gives, once STGI lets the host take the interrupt',
    openWindow: 'V_IRQ = 1, a virtual interrupt whose intercept is the window',
    closeWindow: 'V_IRQ = 0',
    halt: 'mp_state = halted: a VMCB has no activity state, so VMRUN is put off until an interrupt comes',
    io: 'EXITINFO1',
    hidden: 'SVM',
  },
  acknowledgeWrites: ['apic'],
  haltWrites: ['vcpu'],
  hiddenCpuid: SVM_REPORTED,
  hiddenEfer: EFER.SVME,
  // APM Vol. 2, "Nested Paging": no MOV loads them.
  pdptes: 'in memory',
  setEfer: ({ vmcb }, lo) => { vmcb[VMCB.guest_efer] = lo; },
  exitReason: ({ vmcb }) => exitReasonOfSvm(vmcb[VMCB.exitcode]!, vmcb[VMCB.exitinfo1]!),
  writtenReason: ({ vmcb }) => exitReasonOfSvm(vmcb[VMCB.exitcode]!, vmcb[VMCB.exitinfo1]!),
  vectoring: ({ vmcb }) => {
    const vectoring = vmcb[VMCB.exitintinfo]!;
    return (vectoring & EVENT.valid) === 0 ? 0 : vectoring;
  },
  // APM Vol. 2, "EXITINTINFO", "Event Injection": an INT n returns to nRIP, which an exit that it did not cause leaves 0.
  reinjectVectored: ({ vmcb }) => {
    const vectoring = vmcb[VMCB.exitintinfo]!;
    if ((vectoring & EVENT.valid) === 0) return;
    setField(vmcb, 'eventinj', vectoring, vmcb[VMCB.exitintinfo + 1]!);
    if (((vectoring >>> EVENT.typeShift) & EVENT.typeMask) !== EVENT_TYPE.softwareInterrupt) return;
    const lo = vmcb[VMCB.guest_rip]!;
    setField(vmcb, 'nrip', lo + INSTRUCTION_LENGTH.intn | 0, sumHi(lo, vmcb[VMCB.guest_rip + 1]!, INSTRUCTION_LENGTH.intn));
  },
  inject: ({ vmcb }, information, errorCode) => setField(vmcb, 'eventinj', information, errorCode),
  // APM Vol. 2, "INTR Intercept": nothing has acknowledged it, and with GIF set again the host takes it.
  acknowledge: ({ apic }) => apic.acknowledge(),
  // APM Vol. 2, "Interrupt Shadows".
  takesInterrupts: ({ vmcb }) => (vmcb[VMCB.guest_rflags]! & RFLAGS.IF) !== 0 && (vmcb[VMCB.interrupt_shadow]! & INTERRUPT_SHADOW) === 0,
  // KVM's svm_set_vintr and svm_clear_vintr.
  setWindow: ({ vmcb }, to) => {
    if (to === 'open') vmcb[VMCB.v_intr]! |= V_INTR.irq | HIGHEST_PRIORITY;
    else vmcb[VMCB.v_intr]! &= ~(V_INTR.irq | HIGHEST_PRIORITY);
  },
  halt: ({ vcpu }) => { vcpu.isHalted = 1; },
  wake: ({ vcpu }) => { vcpu.isHalted = 0; },
  io: ({ vmcb }) => decodeIo(vmcb[VMCB.exitinfo1]!),
};
