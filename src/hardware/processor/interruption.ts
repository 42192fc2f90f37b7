import { DeliveredEvent, EVENT_TYPE } from '../delivery/deliveredEvent';
import { DELIVERED } from '../delivery/deliveryProcessor';
import { COUNTER, EXIT_COUNTERS_AT } from '../state/counters';
import { EXIT_REASON } from '../vmx/exitReasons';
import { FLUSH } from '../events/flushCauses';
import type { GuestPrivilege } from './guestPrivilege';
import { HypervisorTraps } from './hypervisorTraps';
import { type InstructionExits, NO_EXIT } from './instructionExits';
import { PermissionBits } from '../memory/permissionBits';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorSpaces } from './processorSpaces';
import { CR0 } from './controlRegisters';
import { secondEvent } from '../delivery/doubleFault';
import { VECTOR, vectorText } from '../delivery/exceptions';
import { ACTIVITY, INTERRUPTIBILITY, REGISTER } from './registers';
import { type PendingOperation, RESUME, type RootMode } from './rootMode';
import { INTERRUPTION, LAUNCH_STATE, VMCS, VMCS_LAUNCH_STATE } from '../vmx/vmcs';
import { SVM_EXIT } from '../svm/svmExitCodes';
import { VMCB } from '../svm/vmcb';
import { SvmExits } from '../svm/svmExits';
import { SvmOperation } from '../svm/svmOperation';
import { VmxExits } from '../vmx/vmxExits';
import { saveGuestState } from '../vmx/guestState';
import { exitLengthOf } from '../vmx/exitLengths';
import type { RootState } from '../vmx/rootState';
import { type EnteringProcessor, type EntryOutcome, entryFailureText, VmEntry } from '../vmx/vmEntry';


/** What an event that breaks into an instruction leads to: a `RESUME` answer of root mode, or this. */
export const EXCEPTION = 3;
/** The guest has exited once more before an event that its entry injected was delivered. */
const EXITED = 7;
/** A guest whose entries exit this often, one after the other, before it does anything is given up. */
const ENTRY_LIMIT = 1000;

/** Delivers events in some way: DELIVERED, or what a fault or exit on the way led to. */
export interface EventDeliverer {
  deliver(event: DeliveredEvent): number;
}

/** The parts of a processor that an interruption works on. */
export interface InterruptedProcessor extends EnteringProcessor {
  readonly cpu: number;
  readonly vendor: 'intel' | 'amd';
  readonly registers: Int32Array;
  readonly vmcs: Int32Array;
  readonly vmcb: Int32Array;
  readonly rootState: RootState;
  readonly counters: Float64Array;
  readonly spaces: ProcessorSpaces;
  readonly events: ProcessorEvents;
  /** Recomputes derived state. */
  readonly reload: () => void;
  /** Invalidates by VM entry or VM exit without VPID. */
  readonly flushAtTransition: (cause: number) => void;
  /** What VMRUN invalidates; `control`: a `TLB_CONTROL`. */
  readonly flushByTlbControl: (control: number) => void;
}

/** What breaks into an instruction: exceptions, VM exits with their handling in root mode, and VM entries. */
export class Interruption {
  root: RootMode | undefined;
  /** The event delivered last. */
  vector = 0;
  errorCode = 0;
  /** Delivery through the IDT in memory; undefined: an event touches no memory. */
  throughMemory: EventDeliverer | undefined;
  /** The event under way, whether or not it has come to be delivered. */
  readonly event = new DeliveredEvent();
  /** 1 while an event is being delivered through the IDT. */
  isDelivering = 0;
  /** 1 while VM entry injects: an exit then goes back to the loop that enters, and is not handled within. */
  private isEntering = 0;
  /** 1 while an IRET that has unblocked NMIs makes its accesses. SDM Vol. 3, "VM Exits Caused by IRET that Unblock NMIs". */
  hasUnblockedNmi = 0;
  /** Why the guest could not be entered, as a sentence; empty while it can. */
  entryFailure = '';
  /** What of the guest's doings exits. */
  exits: InstructionExits;
  /** The guest's own privilege, where its hypervisor runs all of it at CPL 3; undefined: it is the processor's. */
  privilege: GuestPrivilege | undefined;
  private readonly svm: SvmOperation;
  private readonly vmEntry: VmEntry;

  constructor(private readonly processor: InterruptedProcessor) {
    this.svm = new SvmOperation(processor, {
      count: (reason) => this.count(reason),
      handle: (reason) => this.handle(reason),
      inject: (information, errorCode, length, lo, hi) => this.inject(information, errorCode, length, lo, hi),
      takeVectoring: () => this.takeVectoring(),
      event: this.event,
      fail: (sentence) => this.fail(sentence),
    });
    this.vmEntry = new VmEntry(processor);
    const bits = new PermissionBits(processor.memory, processor.events);
    this.exits = processor.vendor === 'amd'
      ? new SvmExits(processor, bits, this.svm) : new VmxExits(processor.registers, processor.vmcs, bits, this);
  }

  /** From the first entry on a hypervisor without VMX has the guest at CPL 3, and its own IDT in the processor. */
  deprivilege(privilege: GuestPrivilege, pending: PendingOperation): void {
    const { registers, vmcs } = this.processor;
    this.privilege = privilege;
    this.exits = new HypervisorTraps(registers, vmcs, pending, this, privilege);
  }

  /**
   * An exception at linear address (lo, hi): a VM exit when the VMCS wants it, else delivered. One in the delivery of
   * another event may become a double fault, or shut the processor down.
   */
  raise(vector: number, errorCode: number, lo: number, hi: number): number {
    const { registers } = this.processor;
    const exit = this.exits.exception(vector, errorCode, lo, hi);
    if (exit !== NO_EXIT) return exit;
    if (vector === VECTOR.pageFault) {
      registers[2 * REGISTER.cr2] = lo;
      registers[2 * REGISTER.cr2 + 1] = hi;
    }
    if (this.isDelivering !== 0) {
      const next = secondEvent(this.event, vector);
      if (next === 'shutdown') return this.tripleFault();
      if (next === 'double fault') {
        // An exit by the #DF is none that occurs during delivery. SDM Vol. 3, "Information for VM Exits During Event Delivery".
        this.isDelivering = 0;
        return this.raise(VECTOR.doubleFault, 0, 0, 0);
      }
    }
    this.event.setException(vector, errorCode, lo, hi, pushesCodes(registers));
    return this.deliver();
  }

  /** An interrupt, or an event that an instruction of `length` bytes raises; `type`: an `EVENT_TYPE`. */
  interrupt(type: number, vector: number, length: number): number {
    this.event.setInterrupt(type, vector, length);
    return this.deliver();
  }

  /** INT3 and the like: of exceptions, but a program's doing. `type`: an `EVENT_TYPE`. */
  softwareException(type: number, vector: number, length: number): number {
    this.processor.vmcs[VMCS.exit_instruction_length] = length;
    const exit = this.exits.exception(vector, 0, 0, 0, type);
    return exit === NO_EXIT ? this.interrupt(type, vector, length) : exit;
  }

  /** What a task gate, or IRET in a nested task, asks for; `source`: a `TASK_SWITCH`. */
  taskSwitch(selector: number, source: number): number {
    const exit = this.exits.taskSwitch(selector, source);
    return exit === NO_EXIT ? this.fail('the hardware is to switch tasks, which is not simulated: use an interrupt or trap gate') : exit;
  }

  /** A VM exit in a guest, else the end of the processor. SDM Vol. 3, "Triple Fault" among "Other Causes of VM Exits". */
  tripleFault(): number {
    const { registers, events } = this.processor;
    const { vector } = this.event;
    this.isDelivering = 0;
    events.tripleFault(this.event.lo, this.event.hi, vector, this.event.errorCode);
    const exit = this.exits.tripleFault();
    if (exit !== NO_EXIT) return exit;
    registers[2 * REGISTER.activity] = ACTIVITY.shutdown;
    return this.fail(`triple fault: the delivery of ${vectorText(vector)} faulted, and the processor has shut down`);
  }

  /** A VM exit, its handling in root mode, and the VM entry after it. SDM Vol. 3, "VM Exits". */
  exit(reason: number, qualificationLo: number, qualificationHi: number): number {
    const { vmcs, rootState, events, spaces } = this.processor;
    saveGuestState(this.processor);
    // What a trap loads is the hypervisor's affair: there is no host-state area.
    if (this.privilege === undefined) rootState.load(vmcs);
    // SDM Vol. 3, "VM-Entry Controls for Event Injection": so that the next entry does not inject it again.
    vmcs[VMCS.entry_interruption_info]! &= ~INTERRUPTION.valid;
    vmcs[VMCS.exit_reason] = reason;
    vmcs[VMCS.exit_qualification] = qualificationLo;
    vmcs[VMCS.exit_qualification + 1] = qualificationHi;
    // A trap reports its gate, whatever it counts as.
    if (this.privilege === undefined) {
      clearUnreported(vmcs, reason);
      vmcs[VMCS.exit_instruction_length] = exitLengthOf(vmcs);
    }
    this.recordNmiUnblocking(reason);
    this.recordVectoring();
    this.count(reason);
    events.vmExit(vmcs);
    if (spaces.vpid === 0) this.processor.flushAtTransition(FLUSH.vmExit);
    return this.handle(reason);
  }

  /** A fault of an IRET that had unblocked NMIs says so, unless it is a double fault. SDM Vol. 3, "Information for VM Exits Due to Vectored Events". */
  private recordNmiUnblocking(reason: number): void {
    const { vmcs } = this.processor;
    const unblocked = this.hasUnblockedNmi !== 0 && this.isDelivering === 0 && reason === EXIT_REASON.exception_nmi;
    this.hasUnblockedNmi = 0;
    if (!unblocked || (vmcs[VMCS.exit_interruption_info]! & INTERRUPTION.vectorMask) === VECTOR.doubleFault) return;
    vmcs[VMCS.exit_interruption_info]! |= INTERRUPTION.nmiUnblocking;
  }

  /** SDM Vol. 3, "Information for VM Exits That Occur During Event Delivery". */
  private recordVectoring(): void {
    const { vmcs } = this.processor;
    const { event } = this;
    if (this.isDelivering !== 0 && event.isSoftware) vmcs[VMCS.exit_instruction_length] = event.length;
    vmcs[VMCS.idt_vectoring_error_code] = this.isDelivering === 0 ? 0 : event.errorCode;
    vmcs[VMCS.idt_vectoring_info] = this.takeVectoring();
  }

  /** Interruption information of the event that an exit breaks into, which is then delivered no more; 0 when there is none. */
  private takeVectoring(): number {
    const information = this.isDelivering === 0 ? 0 : this.event.information;
    this.isDelivering = 0;
    return information;
  }

  /** #VMEXIT for a nested page fault, its handling, and the VMRUN after it. APM Vol. 2, "Nested Page Faults". */
  exitNestedPageFault(infoLo: number, infoHi: number, gpaLo: number, gpaHi: number): number {
    return this.svm.exit(SVM_EXIT.npf, infoLo, infoHi, gpaLo, gpaHi, 0);
  }

  /** #VMEXIT for an access that root mode makes; `access`: an access integer, in EXITINFO1; the linear address is in EXITINFO2. */
  exitAccess(lo: number, hi: number, access: number): number {
    return this.svm.exit(SVM_EXIT.access, access, 0, lo, hi, 0);
  }

  /**
   * The same for an access that no instruction names: of event delivery, IRET, or a load of a descriptor. When root mode has made it,
   * what was under way goes on behind it: a delivery is not broken off, nor the entry that injects.
   */
  exitSystemAccess(lo: number, hi: number, access: number): number {
    const { isDelivering, isEntering } = this;
    this.isEntering = 0;
    const answer = this.exitAccess(lo, hi, access);
    this.isEntering = isEntering;
    if (answer === RESUME.completed || answer === RESUME.retry) this.isDelivering = isDelivering;
    return answer;
  }

  /** The first VM entry, which root mode asks for by itself: VMLAUNCH, VMRUN, or a loader's; as `enter`. */
  begin(how: 'launch' | 'load'): number {
    this.entryFailure = '';
    if (this.processor.vendor === 'amd') return how === 'launch' ? this.svm.vmrun() : this.svm.loadBehind();
    return this.entered(how === 'launch' && this.privilege === undefined ? this.vmEntry.launch() : this.vmEntry.loadBehind());
  }

  /**
   * VMRESUME, or VMLAUNCH of a VMCS that root mode has made current since, or VMRUN. EXCEPTION when an event is injected that the guest's handler gets, RESUME.stopped when a check
   * fails, else RESUME.retry.
   */
  enter(): number {
    const { vendor, vmcs } = this.processor;
    if (vendor === 'amd') return this.svm.vmrun();
    return this.entered(vmcs[VMCS_LAUNCH_STATE] === LAUNCH_STATE.clear ? this.vmEntry.launch() : this.vmEntry.resume());
  }

  /** SDM Vol. 3, "Event Injection". CR2 is no guest state of the VMCS: root mode has written it. */
  private entered(outcome: EntryOutcome): number {
    if (outcome.kind !== 'entered') return this.fail(entryFailureText(outcome));
    const { registers, vmcs } = this.processor;
    const info = vmcs[VMCS.entry_interruption_info]!;
    if ((info & INTERRUPTION.valid) === 0) return RESUME.retry;
    const lo = registers[2 * REGISTER.cr2]!;
    const hi = registers[2 * REGISTER.cr2 + 1]!;
    return this.inject(info, vmcs[VMCS.entry_exception_error_code]!, vmcs[VMCS.entry_instruction_length]!, lo, hi);
  }

  /** Delivers the event of valid interruption information; (lo, hi): CR2, for a page fault. No control makes it exit by itself. */
  private inject(information: number, errorCode: number, length: number, lo: number, hi: number): number {
    const { event } = this;
    event.setInformation(information, errorCode, length);
    event.lo = lo;
    event.hi = hi;
    if (event.isException && event.vector === VECTOR.pageFault && !this.brokeOff(information)) this.processor.counters[COUNTER['faults.guest_exited']]!++;
    return this.deliver();
  }

  /** True of an event whose delivery the last exit broke into: root mode has it delivered again, and it counts once. */
  private brokeOff(information: number): boolean {
    const { vendor, vmcb, vmcs } = this.processor;
    return information === (vendor === 'amd' ? vmcb[VMCB.exitintinfo]! : vmcs[VMCS.idt_vectoring_info]!);
  }

  /** Root mode has delivered an event by software, and says so before it enters the guest in the handler. */
  noteDelivered(information: number, errorCode: number): void {
    const { registers } = this.processor;
    this.event.setInformation(information, errorCode, 0);
    this.event.lo = registers[2 * REGISTER.cr2]!;
    this.event.hi = registers[2 * REGISTER.cr2 + 1]!;
    this.tellDelivered();
  }

  /** The processor goes on with nothing: what it had under way is over, whichever moment the machine is put back to. */
  private fail(sentence: string): number {
    this.isDelivering = 0;
    this.entryFailure = sentence;
    return RESUME.stopped;
  }

  private count(reason: number): void {
    const { counters } = this.processor;
    counters[COUNTER['exits.total']]!++;
    counters[EXIT_COUNTERS_AT + reason]!++;
  }

  /** Root mode has the exit, and the guest is entered again when it says so. */
  private handle(reason: number): number {
    const { cpu, registers } = this.processor;
    if (this.isEntering !== 0) return EXITED;
    if (this.root === undefined) throw new Error(`invariant: VM exit ${reason} of CPU ${cpu} without root mode`);
    let answer: number = RESUME.retry;
    for (let entry = 0; entry < ENTRY_LIMIT; entry++) {
      const now = this.root.handleExit(cpu);
      if (now === RESUME.stopped) {
        // Root mode has the reason, not an entry that failed before the machine was put back.
        this.entryFailure = '';
        return now;
      }
      if (now === RESUME.halted) {
        this.processor.registers[2 * REGISTER.activity] = ACTIVITY.hlt;
        return RESUME.completed;
      }
      // What root mode has completed stays done, and whom it has left is left, whatever the delivery of an injected event goes on to.
      if (now !== RESUME.retry) answer = now === RESUME.delivered ? EXCEPTION : now;
      const entered = this.enterOnce();
      if (entered === RESUME.retry) {
        if (this.root.isWaiting?.(cpu) === 1) registers[2 * REGISTER.activity] = ACTIVITY.hlt;
        return answer;
      }
      if (entered !== EXITED) return entered;
    }
    return this.fail('the delivery of an injected event exits again and again');
  }

  private enterOnce(): number {
    this.isEntering = 1;
    const entered = this.enter();
    this.isEntering = 0;
    return entered;
  }

  /** Delivers `event`: EXCEPTION, or what a fault or exit on the way led to. */
  private deliver(): number {
    const { event, throughMemory } = this;
    const { registers } = this.processor;
    // Before anything of it is done: an exit that breaks in finds the processor active and, of an NMI, NMIs blocked.
    registers[2 * REGISTER.activity] = ACTIVITY.active;
    if (event.type === EVENT_TYPE.nmi) registers[2 * REGISTER.interruptibility]! |= INTERRUPTIBILITY.blockingByNmi;
    if (throughMemory !== undefined) {
      this.isDelivering = 1;
      const answer = throughMemory.deliver(event);
      if (answer !== DELIVERED) return answer;
      this.isDelivering = 0;
    }
    // The handler's first instruction is not the one that STI or MOV SS shields. SDM Vol. 3, "Event Injection".
    registers[2 * REGISTER.interruptibility]! &= ~(INTERRUPTIBILITY.blockingBySti | INTERRUPTIBILITY.blockingByMovSs);
    return this.tellDelivered();
  }

  /** The guest is in the handler of `event`, whose vector whoever runs the program gets to know. */
  private tellDelivered(): number {
    const { event } = this;
    const { vector, errorCode } = event;
    this.vector = vector;
    this.errorCode = errorCode;
    if (!event.isException) {
      this.processor.events.interruptDelivered(vector);
      return EXCEPTION;
    }
    if (vector === VECTOR.pageFault) this.processor.counters[COUNTER['faults.guest']]!++;
    this.processor.events.exceptionDelivered(event.lo, event.hi, vector, errorCode);
    return EXCEPTION;
  }
}

/** In real-address mode no exception has an error code. SDM Vol. 3, "Real-Address Mode Operation". */
function pushesCodes(registers: Int32Array): 'pushes codes' | 'pushes none' {
  return registers[2 * REGISTER.cr0]! & CR0.PE ? 'pushes codes' : 'pushes none';
}

/** Exit-information fields that an exit of this reason does not report read 0, not what an earlier exit left. */
function clearUnreported(vmcs: Int32Array, reason: number): void {
  if (reason !== EXIT_REASON.exception_nmi && reason !== EXIT_REASON.external_interrupt) vmcs[VMCS.exit_interruption_info] = 0;
  if ((vmcs[VMCS.exit_interruption_info]! & INTERRUPTION.errorCodeValid) === 0) vmcs[VMCS.exit_interruption_error_code] = 0;
  if (reason !== EXIT_REASON.gdtr_idtr && reason !== EXIT_REASON.ldtr_tr) vmcs[VMCS.exit_instruction_info] = 0;
  if (reason === EXIT_REASON.ept_violation) return;
  vmcs[VMCS.guest_linear_address] = 0;
  vmcs[VMCS.guest_linear_address + 1] = 0;
  if (reason === EXIT_REASON.ept_misconfiguration) return;
  vmcs[VMCS.guest_physical_address] = 0;
  vmcs[VMCS.guest_physical_address + 1] = 0;
}
