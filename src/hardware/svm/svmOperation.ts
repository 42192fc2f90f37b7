import type { DeliveredEvent } from '../delivery/deliveredEvent';
import type { InterruptedProcessor } from '../processor/interruption';
import { sumHi } from '../memory/addressSum';
import { pagingMode } from '../paging/pagingMode';
import { PDPTES } from '../paging/pdpteRegisters';
import { REGISTER } from '../processor/registers';
import { RESUME } from '../processor/rootMode';
import { exitReasonOfSvm, SVM_EXIT } from './svmExitCodes';
import { loadFromVmcb, saveProgram, saveToVmcb, setField, usesNestedPaging } from './svmTransitions';
import { EVENT, EVENT_TYPE, VMCB } from './vmcb';
import { brokenVmrunRule } from './vmrunRules';

/** What of the processor's interruption SVM needs. */
export interface SvmHost {
  /** Counts an exit under a basic reason of VMX. */
  readonly count: (reason: number) => void;
  /** Root mode has the exit, and the guest is entered again when it says so: a `RESUME` or EXCEPTION. */
  readonly handle: (reason: number) => number;
  /** Delivers an event that VMRUN injects; `information` as VMX has it, (lo, hi): CR2. */
  readonly inject: (information: number, errorCode: number, length: number, lo: number, hi: number) => number;
  /** Information, as VMX has it, of the event that an exit breaks into; 0 for none. Its error code is in `event`. */
  readonly takeVectoring: () => number;
  readonly event: DeliveredEvent;
  /** The machine cannot go on, for this reason. */
  readonly fail: (sentence: string) => number;
}

/** VMRUN and #VMEXIT. Root mode is the host: its own registers are not simulated but for those VMRUN keeps for nested paging. */
export class SvmOperation {
  constructor(private readonly processor: InterruptedProcessor, private readonly host: SvmHost) {}

  /** VMRUN of a guest that a loader puts in the middle of things: all but its control registers and CPL is as the processor has it. */
  loadBehind(): number {
    saveProgram(this.processor);
    return this.vmrun();
  }

  /** VMRUN: EXCEPTION when an event is injected, RESUME.stopped when a rule refuses it, else RESUME.retry. APM Vol. 2, "VMRUN Instruction". */
  vmrun(): number {
    const { registers, vmcb, events } = this.processor;
    const rule = brokenVmrunRule(vmcb, this.processor) ?? this.loadPdptes();
    if (rule !== undefined) return this.refuse(rule);
    registers[2 * REGISTER.nonRoot] = 1;
    loadFromVmcb(this.processor);
    this.processor.reload();
    this.processor.flushByTlbControl(vmcb[VMCB.tlb_control]!);
    events.vmrun(vmcb);
    return this.inject();
  }

  /**
   * #VMEXIT, its handling, and the VMRUN after it. `code`: an EXITCODE of the table; `length`: of the instruction that is
   * intercepted, else 0. APM Vol. 2, "#VMEXIT".
   */
  exit(code: number, info1Lo: number, info1Hi: number, info2Lo: number, info2Hi: number, length: number): number {
    saveToVmcb(this.processor);
    this.recordNextInstruction(length);
    return this.host.handle(this.record(code, info1Lo, info1Hi, info2Lo, info2Hi));
  }

  /** Loads the PDPTE registers, where the guest has them: the rule that they break, or undefined. */
  private loadPdptes(): string | undefined {
    const { vmcb, pdptes } = this.processor;
    const { registerLevel } = pagingMode(vmcb[VMCB.guest_cr0]!, vmcb[VMCB.guest_cr4]!, vmcb[VMCB.guest_efer]!);
    if (registerLevel === undefined || usesNestedPaging(vmcb)) return undefined;
    return pdptes.load(vmcb[VMCB.guest_cr3]!, undefined) === PDPTES.loaded
      ? undefined : 'a PDPTE in memory at CR3 has a reserved bit set (APM Vol. 2, "Legacy PAE Mode")';
  }

  /** The VMRUN ends as a #VMEXIT with nothing loaded and nothing saved; a hypervisor of ours has no use for it. */
  private refuse(rule: string): number {
    this.record(SVM_EXIT.invalid, 0, 0, 0, 0);
    return this.host.fail(`VMRUN ends with VMEXIT_INVALID: ${rule}`);
  }

  /** nRIP, which reads 0 where no instruction is intercepted. APM Vol. 2, "State Saved on Exit". */
  private recordNextInstruction(length: number): void {
    const { registers, vmcb } = this.processor;
    const rip = registers[2 * REGISTER.rip]!;
    if (length === 0) setField(vmcb, 'nrip', 0, 0);
    else setField(vmcb, 'nrip', rip + length | 0, sumHi(rip, registers[2 * REGISTER.rip + 1]!, length));
  }

  private record(code: number, info1Lo: number, info1Hi: number, info2Lo: number, info2Hi: number): number {
    const { vmcb, events } = this.processor;
    setField(vmcb, 'exitcode', code, code >> 31);
    setField(vmcb, 'exitinfo1', info1Lo, info1Hi);
    setField(vmcb, 'exitinfo2', info2Lo, info2Hi);
    const interrupted = this.host.takeVectoring();
    setField(vmcb, 'exitintinfo', svmEvent(interrupted), interrupted & EVENT.errorCodeValid ? this.host.event.errorCode : 0);
    const reason = exitReasonOfSvm(code, info1Lo);
    this.host.count(reason);
    events.svmExit(vmcb, reason);
    return reason;
  }

  /** APM Vol. 2, "Event Injection". CR2 is guest state of the VMCB, so a page fault finds its address there. */
  private inject(): number {
    const { registers, vmcb } = this.processor;
    const event = vmcb[VMCB.eventinj]!;
    if ((event & EVENT.valid) === 0) return RESUME.retry;
    vmcb[VMCB.eventinj] = event & ~EVENT.valid;
    const errorCode = event & EVENT.errorCodeValid ? vmcb[VMCB.eventinj + 1]! : 0;
    // A software interrupt returns to nRIP. APM Vol. 2, "Event Injection".
    const length = vmcb[VMCB.nrip]! - registers[2 * REGISTER.rip]! | 0;
    return this.host.inject(event, errorCode, length, registers[2 * REGISTER.cr2]!, registers[2 * REGISTER.cr2 + 1]!);
  }
}

/** An event as SVM numbers it: what software raises as an exception is one like any other. APM Vol. 2, "EXITINTINFO". */
function svmEvent(information: number): number {
  const type = (information >>> EVENT.typeShift) & EVENT.typeMask;
  if (type <= EVENT_TYPE.softwareInterrupt) return information;
  return (information & ~(EVENT.typeMask << EVENT.typeShift)) | (EVENT_TYPE.exception << EVENT.typeShift);
}
