import { COUNTER, EXIT_COUNTERS_AT } from '../state/counters';
import { EXIT_REASON } from '../vmx/exitReasons';
import { FLUSH } from '../events/flushCauses';
import { type InstructionExits, NO_EXIT } from './instructionExits';
import type { PhysicalMemory } from '../memory/physicalMemory';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorSpaces } from './processorSpaces';
import { REGISTER } from './registers';
import { RESUME, type RootMode } from './rootMode';
import { INTERRUPTION, VMCS } from '../vmx/vmcs';
import { SVM_EXIT } from '../svm/svmExitCodes';
import { SvmExits } from '../svm/svmExits';
import { SvmOperation } from '../svm/svmOperation';
import { VmxExits } from '../vmx/vmxExits';
import { loadGuestState, saveGuestState, usesEpt, usesPdpteRegisters } from '../vmx/vmxTransitions';

export const VECTOR = { invalidOpcode: 6, generalProtection: 13, pageFault: 14 } as const;

/** What an event that breaks into an instruction leads to: a `RESUME` answer of root mode, or this. */
export const EXCEPTION = 3;

/** The parts of a processor that an interruption works on. */
export interface InterruptedProcessor {
  readonly cpu: number;
  readonly vendor: 'intel' | 'amd';
  readonly registers: Int32Array;
  readonly vmcs: Int32Array;
  readonly vmcb: Int32Array;
  readonly maxphyaddr: number;
  readonly memory: PhysicalMemory;
  readonly counters: Float64Array;
  readonly spaces: ProcessorSpaces;
  readonly events: ProcessorEvents;
  /** Loads the PDPTE registers from the table that CR3 names. */
  readonly loadPdptes: () => void;
  /** Recomputes derived state. */
  readonly reload: () => void;
  /** Invalidates by VM entry without VPID. */
  readonly flushAtEntry: (cause: number) => void;
  /** What VMRUN invalidates; `control`: a `TLB_CONTROL`. */
  readonly flushByTlbControl: (control: number) => void;
}

/** What breaks into an instruction: exceptions, VM exits with their handling in root mode, and VM entries. */
export class Interruption {
  root: RootMode | undefined;
  /** The exception delivered last. */
  vector = 0;
  errorCode = 0;
  /** 1 while an event is being delivered through the IDT. */
  isDelivering = 0;
  /** 1 while an IRET that has unblocked NMIs makes its accesses. SDM Vol. 3, "VM Exits Caused by IRET that Unblock NMIs". */
  hasUnblockedNmi = 0;

  /** Why the guest could not be entered, as a sentence; empty while it can. */
  entryFailure = '';
  /** What of the guest's doings exits. */
  readonly exits: InstructionExits;
  private readonly svm: SvmOperation;

  constructor(private readonly processor: InterruptedProcessor) {
    this.svm = new SvmOperation(processor, {
      count: (reason) => this.count(reason),
      handle: (reason) => this.handle(reason),
      deliver: (vector, errorCode, lo, hi) => this.deliver(vector, errorCode, lo, hi),
      fail: (sentence) => this.fail(sentence),
    });
    this.exits = processor.vendor === 'amd'
      ? new SvmExits(processor, this.svm) : new VmxExits(processor.registers, processor.vmcs, this);
  }

  /** An exception at linear address (lo, hi): a VM exit when the VMCS wants it, else delivered. */
  raise(vector: number, errorCode: number, lo: number, hi: number): number {
    const { registers } = this.processor;
    const exit = this.exits.exception(vector, errorCode, lo, hi);
    if (exit !== NO_EXIT) return exit;
    if (vector === VECTOR.pageFault) {
      registers[2 * REGISTER.cr2] = lo;
      registers[2 * REGISTER.cr2 + 1] = hi;
    }
    return this.deliver(vector, errorCode, lo, hi);
  }

  /** A VM exit, its handling in root mode, and the VM entry after it. SDM Vol. 3, "VM Exits". */
  exit(reason: number, qualificationLo: number, qualificationHi: number): number {
    const { registers, vmcs, events } = this.processor;
    saveGuestState(registers, vmcs);
    vmcs[VMCS.exit_reason] = reason;
    vmcs[VMCS.exit_qualification] = qualificationLo;
    vmcs[VMCS.exit_qualification + 1] = qualificationHi;
    clearUnreported(vmcs, reason);
    this.count(reason);
    events.vmExit(vmcs);
    return this.handle(reason);
  }

  /** #VMEXIT for a nested page fault, its handling, and the VMRUN after it. APM Vol. 2, "Nested Page Faults". */
  exitNestedPageFault(infoLo: number, infoHi: number, gpaLo: number, gpaHi: number): number {
    return this.svm.exit(SVM_EXIT.npf, infoLo, infoHi, gpaLo, gpaHi);
  }

  /** The first VM entry, which root mode asks for by itself; as `enter`. */
  begin(): number {
    this.entryFailure = '';
    return this.enter();
  }

  /**
   * VM entry: guest state from the VMCS. EXCEPTION when the VMCS asks for one to be injected, else RESUME.retry.
   * SDM Vol. 3, "VM Entries", "Event Injection". CR2 is no guest state of the VMCS: root mode has written it.
   */
  enter(): number {
    const { registers, vmcs, counters, events, spaces } = this.processor;
    if (this.processor.vendor === 'amd') return this.svm.vmrun();
    loadGuestState(registers, vmcs);
    if (!usesEpt(vmcs) && usesPdpteRegisters(registers)) this.processor.loadPdptes();
    this.processor.reload();
    if (spaces.vpid === 0) this.processor.flushAtEntry(FLUSH.vmEntry);
    events.vmEntry(vmcs);
    const info = vmcs[VMCS.entry_interruption_info]!;
    if ((info & INTERRUPTION.valid) === 0) return RESUME.retry;
    vmcs[VMCS.entry_interruption_info] = info & ~INTERRUPTION.valid;
    const vector = info & INTERRUPTION.vectorMask;
    if (vector === VECTOR.pageFault) counters[COUNTER['faults.guest_exited']]!++;
    const errorCode = info & INTERRUPTION.errorCodeValid ? vmcs[VMCS.entry_exception_error_code]! : 0;
    return this.deliver(vector, errorCode, registers[2 * REGISTER.cr2]!, registers[2 * REGISTER.cr2 + 1]!);
  }

  private fail(sentence: string): number {
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
    const { cpu } = this.processor;
    if (this.root === undefined) throw new Error(`invariant: VM exit ${reason} of CPU ${cpu} without root mode`);
    this.entryFailure = '';
    const answer = this.root.handleExit(cpu);
    if (answer === RESUME.stopped) return answer;
    const entered = this.enter();
    return entered === RESUME.retry ? answer : entered;
  }

  private deliver(vector: number, errorCode: number, lo: number, hi: number): number {
    this.vector = vector;
    this.errorCode = errorCode;
    if (vector === VECTOR.pageFault) this.processor.counters[COUNTER['faults.guest']]!++;
    this.processor.events.exceptionDelivered(lo, hi, vector, errorCode);
    return EXCEPTION;
  }
}

/** Exit-information fields that an exit of this reason does not report read 0, not what an earlier exit left. */
function clearUnreported(vmcs: Int32Array, reason: number): void {
  if (reason !== EXIT_REASON.exception_nmi) {
    vmcs[VMCS.exit_interruption_info] = 0;
    vmcs[VMCS.exit_interruption_error_code] = 0;
  }
  if (reason === EXIT_REASON.ept_violation) return;
  vmcs[VMCS.guest_linear_address] = 0;
  vmcs[VMCS.guest_linear_address + 1] = 0;
  if (reason === EXIT_REASON.ept_misconfiguration) return;
  vmcs[VMCS.guest_physical_address] = 0;
  vmcs[VMCS.guest_physical_address + 1] = 0;
}
