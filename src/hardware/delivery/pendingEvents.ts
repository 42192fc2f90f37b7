import { RFLAGS } from '../processor/controlRegisters';
import { EVENT_TYPE } from './deliveredEvent';
import { VECTOR } from './exceptions';
import { type InstructionEnd, RETRY_LIMIT } from '../processor/instructionEnd';
import { NO_EXIT } from '../processor/instructionExits';
import type { Interruption } from '../processor/interruption';
import { type LocalApic, NO_VECTOR } from '../apic/localApic';
import { ACTIVITY, INTERRUPTIBILITY, REGISTER } from '../processor/registers';
import { RESUME, STATUS } from '../processor/rootMode';
import { NO_VIRTUAL_INTERRUPT, pendingVirtualInterrupt, takeVirtualInterrupt } from '../svm/virtualInterrupt';
import { V_INTR, VMCB } from '../svm/vmcb';
import { PIN, PRIMARY, VMCS } from '../vmx/vmcs';

/** Nothing was to be done. */
const NOTHING = -1;
const BLOCKED_FOR_ONE_INSTRUCTION = INTERRUPTIBILITY.blockingBySti | INTERRUPTIBILITY.blockingByMovSs;

/** The parts of a processor that take what waits for it between instructions. */
export interface PendingEventsProcessor {
  readonly vendor: 'intel' | 'amd';
  readonly registers: Int32Array;
  readonly vmcs: Int32Array;
  readonly vmcb: Int32Array;
  readonly apic: LocalApic;
  readonly interruption: Interruption;
  readonly end: InstructionEnd;
}

/**
 * What a processor takes between two instructions, in the order of SDM Vol. 3, "Priority Among Concurrent Events": NMI
 * window, NMI, interrupt window, interrupt; behind them SVM's virtual interrupt. Each may exit; what does not is delivered.
 */
export class PendingEvents {
  /** In this order. */
  private readonly takers = [
    () => this.takeNmiWindow(), () => this.takeNmi(), () => this.takeInterruptWindow(), () => this.takeInterrupt(),
    () => this.takeVirtualInterrupt(),
  ] as const;

  constructor(private readonly processor: PendingEventsProcessor) {}

  /**
   * To be asked once before each instruction. Done when nothing is left that the processor would take now, exception when
   * a handler is to run. Blocking by STI or MOV SS is for one instruction, which this was the boundary before.
   */
  deliver(): number {
    const { registers, end } = this.processor;
    for (let i = 0; i < RETRY_LIMIT; i++) {
      const answer = this.takeOne();
      if (answer === NOTHING) {
        registers[2 * REGISTER.interruptibility]! &= ~BLOCKED_FOR_ONE_INSTRUCTION;
        return STATUS.done;
      }
      if (answer !== RESUME.retry && answer !== RESUME.completed) return end.statusOf(answer);
    }
    return end.giveUp('an interrupt exits again and again, and root mode does not take it');
  }

  /** True when `deliver` would take something now: what a processor that does nothing else wakes up for. */
  get hasWork(): boolean {
    const { apic, registers, vmcs, vmcb, vendor } = this.processor;
    if (this.activity === ACTIVITY.shutdown || this.isBlocked(INTERRUPTIBILITY.blockingByMovSs)) return false;
    const isGuest = registers[2 * REGISTER.nonRoot] !== 0;
    const isVmx = isGuest && vendor === 'intel';
    const blocksNmi = this.isBlocked(INTERRUPTIBILITY.blockingByNmi);
    if (this.isGuestOf('virtualNmis') && !blocksNmi && (vmcs[VMCS.primary_controls]! & PRIMARY.nmiWindowExiting) !== 0) return true;
    if (apic.hasNmi !== 0 && (this.isGuestOf('virtualNmis') || !blocksNmi)) return true;
    if (isVmx && this.isInterruptible && (vmcs[VMCS.primary_controls]! & PRIMARY.interruptWindowExiting) !== 0) return true;
    if (isGuest && vendor === 'amd' && this.isInterruptible && pendingVirtualInterrupt(vmcb) !== NO_VIRTUAL_INTERRUPT) return true;
    if (apic.pending === NO_VECTOR || this.isBlocked(BLOCKED_FOR_ONE_INSTRUCTION)) return false;
    return this.isInterruptible || this.isGuestOf('externalInterruptExiting') || this.isMaskedVirtually;
  }

  private takeOne(): number {
    for (const take of this.takers) {
      const answer = take();
      if (answer !== NOTHING) return answer;
    }
    return NOTHING;
  }

  /** SDM Vol. 3, "Other Causes of VM Exits": only with virtual NMIs, whose blocking the interruptibility state then tells. */
  private takeNmiWindow(): number {
    if (!this.isGuestOf('virtualNmis') || this.isBlocked(INTERRUPTIBILITY.blockingByNmi | INTERRUPTIBILITY.blockingByMovSs)) return NOTHING;
    return this.orNothing(this.processor.interruption.exits.nmiWindow());
  }

  private takeNmi(): number {
    const { apic, interruption } = this.processor;
    // SDM Vol. 3, "Guest Non-Register State": MOV SS holds back what cannot be masked too, exit or not; STI may, and here does not.
    if (apic.hasNmi === 0 || this.isBlocked(INTERRUPTIBILITY.blockingByMovSs)) return NOTHING;
    // With virtual NMIs the guest's blocking is no blocking of those that the hardware has.
    if (!this.isGuestOf('virtualNmis') && this.isBlocked(INTERRUPTIBILITY.blockingByNmi)) return NOTHING;
    apic.hasNmi = 0;
    const exit = interruption.exits.nmi();
    if (exit !== NO_EXIT) return exit;
    return interruption.interrupt(EVENT_TYPE.nmi, VECTOR.nonMaskableInterrupt, 0);
  }

  private takeInterruptWindow(): number {
    return this.isInterruptible ? this.orNothing(this.processor.interruption.exits.interruptWindow()) : NOTHING;
  }

  private takeInterrupt(): number {
    const { apic, interruption, vendor } = this.processor;
    if (apic.pending === NO_VECTOR || this.activity === ACTIVITY.shutdown || this.isBlocked(BLOCKED_FOR_ONE_INSTRUCTION)) return NOTHING;
    // VMX exits whatever RFLAGS.IF is; an SVM intercept waits for it, or with V_INTR_MASKING for the host's, which is 1.
    if (vendor === 'intel' || this.isInterruptible || this.isMaskedVirtually) {
      const exit = interruption.exits.externalInterrupt(() => apic.acknowledge());
      if (exit !== NO_EXIT) return exit;
    }
    if (!this.isInterruptible) return NOTHING;
    return interruption.interrupt(EVENT_TYPE.externalInterrupt, apic.acknowledge(), 0);
  }

  /** APM Vol. 2, "Virtual Interrupts": the intercept, which the window asked for, has been passed. */
  private takeVirtualInterrupt(): number {
    const { vendor, registers, vmcb, interruption } = this.processor;
    if (vendor !== 'amd' || registers[2 * REGISTER.nonRoot] === 0 || !this.isInterruptible) return NOTHING;
    const vector = pendingVirtualInterrupt(vmcb);
    if (vector === NO_VIRTUAL_INTERRUPT) return NOTHING;
    takeVirtualInterrupt(vmcb);
    return interruption.interrupt(EVENT_TYPE.externalInterrupt, vector, 0);
  }

  private orNothing(exit: number): number {
    return exit === NO_EXIT ? NOTHING : exit;
  }

  private get isInterruptible(): boolean {
    const { registers, interruption: { privilege } } = this.processor;
    const isEnabled = privilege === undefined ? (registers[2 * REGISTER.rflags]! & RFLAGS.IF) !== 0 : privilege.interruptFlag === 1;
    return isEnabled && !this.isBlocked(BLOCKED_FOR_ONE_INSTRUCTION) && this.activity !== ACTIVITY.shutdown;
  }

  private get isMaskedVirtually(): boolean {
    const { registers, vmcb } = this.processor;
    return registers[2 * REGISTER.nonRoot] !== 0 && (vmcb[VMCB.v_intr]! & V_INTR.masking) !== 0;
  }

  private isBlocked(bits: number): boolean {
    return (this.processor.registers[2 * REGISTER.interruptibility]! & bits) !== 0;
  }

  private isGuestOf(control: keyof typeof PIN): boolean {
    const { vendor, registers, vmcs } = this.processor;
    return vendor === 'intel' && registers[2 * REGISTER.nonRoot] !== 0 && (vmcs[VMCS.pin_controls]! & PIN[control]) !== 0;
  }

  private get activity(): number {
    return this.processor.registers[2 * REGISTER.activity]!;
  }
}
