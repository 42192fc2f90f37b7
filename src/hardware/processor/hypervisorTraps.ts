import { EVENT_TYPE } from '../delivery/deliveredEvent';
import { VECTOR } from '../delivery/exceptions';
import { OPERATION } from '../paging/accessKinds';
import { CR_ACCESS, encodeCrAccess, encodeIoAccess } from '../vmx/exitQualification';
import { EXIT_REASON } from '../vmx/exitReasons';
import type { VmExitMaker } from '../vmx/vmxExits';
import { recordException } from '../vmx/vmxTransitions';
import { INTERRUPTION, PRIMARY, VMCS } from '../vmx/vmcs';
import type { GuestPrivilege } from './guestPrivilege';
import { type InstructionExits, NO_EXIT } from './instructionExits';
import { CONTROL_REGISTER_NUMBERS } from './registers';
import type { PendingOperation } from './rootMode';

const TYPE_SHIFT = 8;
const INT_N_BYTES = 2;

/** The instruction that CPL 3 was refused, as an exit: by which reason it counts, with the qualification that VMX has for it. */
interface Cause {
  readonly reason: number;
  readonly lo: number;
  readonly hi: number;
}

/** By operation: of what the guest's kernel is refused, and VMX has an exit for. */
const causes = new Map<number, (pending: PendingOperation) => Cause>([
  [OPERATION.writeRegister, ({ register }) => ofRegister(register, CR_ACCESS.movTo, EXIT_REASON.wrmsr)],
  [OPERATION.readRegister, ({ register }) => ofRegister(register, CR_ACCESS.movFrom, EXIT_REASON.rdmsr)],
  [OPERATION.invlpg, ({ gvaLo, gvaHi }) => ({ reason: EXIT_REASON.invlpg, lo: gvaLo, hi: gvaHi })],
  [OPERATION.invpcid, () => plain(EXIT_REASON.invpcid)],
  [OPERATION.hlt, () => plain(EXIT_REASON.hlt)],
  [OPERATION.rdmsr, () => plain(EXIT_REASON.rdmsr)],
  [OPERATION.wrmsr, () => plain(EXIT_REASON.wrmsr)],
  [OPERATION.input, ({ register, size }) => ({ reason: EXIT_REASON.io_instruction, lo: encodeIoAccess(register, size, 'in'), hi: 0 })],
  [OPERATION.output, ({ register, size }) => ({ reason: EXIT_REASON.io_instruction, lo: encodeIoAccess(register, size, 'out'), hi: 0 })],
]);

/**
 * Traps to a hypervisor that has neither VMX nor SVM: the IDT that the processor has is its own, and the guest runs at CPL 3.
 * Every exception and every interrupt gets to it, INT n by a gate that CPL 3 may not use, and nothing else does: what an
 * instruction does at CPL 3 without a fault, it does behind the hypervisor's back. A trap counts as the exit that the instruction
 * would have under VMX, where the guest's kernel was refused one.
 */
export class HypervisorTraps implements InstructionExits {
  constructor(
    private readonly registers: Int32Array, private readonly vmcs: Int32Array, private readonly pending: PendingOperation,
    private readonly maker: VmExitMaker, private readonly privilege: GuestPrivilege,
  ) {}

  exception(vector: number, errorCode: number, lo: number, hi: number, type: number = EVENT_TYPE.hardwareException): number {
    const { registers, vmcs, maker } = this;
    recordException(registers, vmcs, vector, errorCode, type);
    if (vector === VECTOR.pageFault) return maker.exit(EXIT_REASON.exception_nmi, lo, hi);
    const cause = this.causeOf(vector);
    return maker.exit(cause.reason, cause.lo, cause.hi);
  }

  softwareInterrupt(vector: number): number {
    this.vmcs[VMCS.exit_instruction_length] = INT_N_BYTES;
    return this.event(EXIT_REASON.exception_nmi, vector, EVENT_TYPE.softwareInterrupt);
  }

  nmi(): number {
    return this.event(EXIT_REASON.exception_nmi, VECTOR.nonMaskableInterrupt, EVENT_TYPE.nmi);
  }

  externalInterrupt(acknowledge: () => number): number {
    return this.event(EXIT_REASON.external_interrupt, acknowledge(), EVENT_TYPE.externalInterrupt);
  }

  /** The guest has set its RFLAGS.IF, and the hypervisor holds an interrupt back for it: it asks to hear of that. */
  interruptWindow(): number {
    const waits = (this.vmcs[VMCS.primary_controls]! & PRIMARY.interruptWindowExiting) !== 0 && this.privilege.interruptFlag === 1;
    return waits ? this.maker.exit(EXIT_REASON.interrupt_window, 0, 0) : NO_EXIT;
  }

  // Refused at CPL 3, before this is asked.
  hlt(): number { return NO_EXIT; }
  invlpg(): number { return NO_EXIT; }
  invlpga(): number { return NO_EXIT; }
  invpcid(): number { return NO_EXIT; }
  vmrun(): number { return NO_EXIT; }
  vmx(): number { return NO_EXIT; }
  io(): number { return NO_EXIT; }
  msr(): number { return NO_EXIT; }
  taskSwitch(): number { return NO_EXIT; }
  nmiWindow(): number { return NO_EXIT; }
  /** What is reflected is delivered by the hypervisor, and not by a processor that could shut down over it. */
  tripleFault(): number { return NO_EXIT; }
  /** #UD outside VMX operation. */
  vmcall(): number { return NO_EXIT; }
  /** Of registers that CPL 3 may write and read. */
  registerWrite(): number { return NO_EXIT; }
  registerRead(): number { return NO_EXIT; }
  // Sensitive, and not privileged.
  cpuid(): number { return NO_EXIT; }
  storeTable(): number { return NO_EXIT; }
  smsw(): number { return NO_EXIT; }

  private causeOf(vector: number): Cause {
    const { operation } = this.pending;
    if (vector === VECTOR.invalidOpcode && operation === OPERATION.vmcall) return plain(EXIT_REASON.vmcall);
    const isPrivileged = vector === VECTOR.generalProtection && this.privilege.level === 0;
    return (isPrivileged ? causes.get(operation)?.(this.pending) : undefined) ?? plain(EXIT_REASON.exception_nmi);
  }

  private event(reason: number, vector: number, type: number): number {
    this.vmcs[VMCS.exit_interruption_info] = vector | (type << TYPE_SHIFT) | INTERRUPTION.valid;
    return this.maker.exit(reason, 0, 0);
  }
}

function plain(reason: number): Cause {
  return { reason, lo: 0, hi: 0 };
}

/** MOV to or from a control register; the others that are privileged are MSRs. */
function ofRegister(register: number, access: number, ofMsr: number): Cause {
  const number = CONTROL_REGISTER_NUMBERS.get(register);
  return number === undefined ? plain(ofMsr) : { reason: EXIT_REASON.cr_access, lo: encodeCrAccess(number, access), hi: 0 };
}
