import { EXIT_REASON } from './exitReasons';
import { encodeIoAccess, TASK_SWITCH_SOURCE_SHIFT } from './exitQualification';
import { ioExits, msrExits } from './bitmapExits';
import { MSR } from '../processor/msrNumbers';
import type { PermissionBits } from '../memory/permissionBits';
import { type InstructionExits, NO_EXIT } from '../processor/instructionExits';
import { EFER } from '../processor/controlRegisters';
import { REGISTER } from '../processor/registers';
import { EVENT_TYPE } from '../delivery/deliveredEvent';
import { VECTOR } from '../delivery/exceptions';
import { tableStoreExit } from './tableStoreExit';
import { EXIT, INTERRUPTION, PIN, PRIMARY, SECONDARY, VMCS } from './vmcs';
import { exceptionExits, recordException, registerReadExit, registerWriteExit, secondaryControls } from './vmxTransitions';

const PAGE_FAULT = 14;
const TYPE_SHIFT = 8;
/** Registers that RDMSR and WRMSR reach. */
const msrOf = new Map<number, number>([[REGISTER.efer, MSR.efer], [REGISTER.pkrs, MSR.pkrs]]);

/** Makes a VM exit of what has been decided; `Interruption.exit`. */
export interface VmExitMaker {
  exit(reason: number, qualificationLo: number, qualificationHi: number): number;
}

/** Exits by the controls of the VMCS. SDM Vol. 3, "Instructions That Cause VM Exits", "Exceptions". */
export class VmxExits implements InstructionExits {
  constructor(
    private readonly registers: Int32Array, private readonly vmcs: Int32Array, private readonly bits: PermissionBits,
    private readonly maker: VmExitMaker,
  ) {}

  exception(vector: number, errorCode: number, lo: number, hi: number, type: number = EVENT_TYPE.hardwareException): number {
    const { vmcs, maker } = this;
    if (!this.isGuest || !exceptionExits(vmcs, vector, errorCode)) return NO_EXIT;
    recordException(this.registers, vmcs, vector, errorCode, type);
    return vector === PAGE_FAULT ? maker.exit(EXIT_REASON.exception_nmi, lo, hi) : maker.exit(EXIT_REASON.exception_nmi, 0, 0);
  }

  /** INT n never exits by itself. */
  softwareInterrupt(): number {
    return NO_EXIT;
  }

  /** Always an exit. SDM Vol. 3, "Exit Qualification for Task Switches". */
  taskSwitch(selector: number, source: number): number {
    return this.isGuest ? this.maker.exit(EXIT_REASON.task_switch, selector | (source << TASK_SWITCH_SOURCE_SHIFT), 0) : NO_EXIT;
  }

  nmi(): number {
    if (!this.isGuest || (this.vmcs[VMCS.pin_controls]! & PIN.nmiExiting) === 0) return NO_EXIT;
    this.vmcs[VMCS.exit_interruption_info] = interruption(EVENT_TYPE.nmi, VECTOR.nonMaskableInterrupt);
    return this.maker.exit(EXIT_REASON.exception_nmi, 0, 0);
  }

  nmiWindow(): number {
    const exits = this.isGuest && (this.vmcs[VMCS.primary_controls]! & PRIMARY.nmiWindowExiting) !== 0;
    return exits ? this.maker.exit(EXIT_REASON.nmi_window, 0, 0) : NO_EXIT;
  }

  /** SDM Vol. 3, "Acknowledging interrupts on exit": else the interrupt goes on waiting, and the exit does not tell its vector. */
  externalInterrupt(acknowledge: () => number): number {
    const { vmcs } = this;
    if (!this.isGuest || (vmcs[VMCS.pin_controls]! & PIN.externalInterruptExiting) === 0) return NO_EXIT;
    const acknowledges = (vmcs[VMCS.exit_controls]! & EXIT.acknowledgeInterrupt) !== 0;
    vmcs[VMCS.exit_interruption_info] = acknowledges
      ? interruption(EVENT_TYPE.externalInterrupt, acknowledge()) : 0;
    return this.maker.exit(EXIT_REASON.external_interrupt, 0, 0);
  }

  interruptWindow(): number {
    const exits = this.isGuest && (this.vmcs[VMCS.primary_controls]! & PRIMARY.interruptWindowExiting) !== 0;
    return exits ? this.maker.exit(EXIT_REASON.interrupt_window, 0, 0) : NO_EXIT;
  }

  /** No control asks for it. SDM Vol. 3, "Other Causes of VM Exits". */
  tripleFault(): number {
    return this.isGuest ? this.maker.exit(EXIT_REASON.triple_fault, 0, 0) : NO_EXIT;
  }

  registerWrite(register: number, lo: number, hi: number): number {
    const msr = msrOf.get(register);
    if (msr !== undefined) return this.msr(msr, 'write');
    const exit = this.isGuest ? registerWriteExit(this.vmcs, register, lo, hi) : undefined;
    return exit === undefined ? NO_EXIT : this.maker.exit(exit.reason, exit.qualification, 0);
  }

  registerRead(register: number): number {
    const msr = msrOf.get(register);
    if (msr !== undefined) return this.msr(msr, 'read');
    const exit = this.isGuest ? registerReadExit(this.vmcs, register) : undefined;
    return exit === undefined ? NO_EXIT : this.maker.exit(exit.reason, exit.qualification, 0);
  }

  /** Always an exit. SDM Vol. 3, "Instructions That Cause VM Exits Unconditionally". */
  cpuid(): number {
    return this.isGuest ? this.maker.exit(EXIT_REASON.cpuid, 0, 0) : NO_EXIT;
  }

  storeTable(operation: number): number {
    const { registers, vmcs, maker } = this;
    if (!this.isGuest || (secondaryControls(vmcs) & SECONDARY.descriptorTableExiting) === 0) return NO_EXIT;
    const { reason, information } = tableStoreExit(operation, (registers[2 * REGISTER.efer]! & EFER.LMA) !== 0 ? '64-bit' : '32-bit');
    vmcs[VMCS.exit_instruction_info] = information;
    return maker.exit(reason, 0, 0);
  }

  /** What the guest reads is for mask and read shadow of CR0 to say. SDM Vol. 3, "Changes to Instruction Behavior in VMX Non-Root Operation". */
  smsw(): number {
    return NO_EXIT;
  }

  vmcall(): number {
    return this.isGuest ? this.maker.exit(EXIT_REASON.vmcall, 0, 0) : NO_EXIT;
  }

  /** Always an exit, and before any check of the CPL. SDM Vol. 3, "Instructions That Cause VM Exits Unconditionally". */
  vmx(reason: number): number {
    return this.isGuest ? this.maker.exit(reason, 0, 0) : NO_EXIT;
  }

  hlt(): number {
    const exits = this.isGuest && (this.vmcs[VMCS.primary_controls]! & PRIMARY.hltExiting) !== 0;
    return exits ? this.maker.exit(EXIT_REASON.hlt, 0, 0) : NO_EXIT;
  }

  io(port: number, size: number, direction: 'in' | 'out'): number {
    if (!this.isGuest || !ioExits(this.vmcs, this.bits, port, size)) return NO_EXIT;
    return this.maker.exit(EXIT_REASON.io_instruction, encodeIoAccess(port, size, direction), 0);
  }

  msr(msr: number, how: 'read' | 'write'): number {
    if (!this.isGuest || !msrExits(this.vmcs, this.bits, msr, how)) return NO_EXIT;
    return this.maker.exit(how === 'read' ? EXIT_REASON.rdmsr : EXIT_REASON.wrmsr, 0, 0);
  }

  invlpg(lo: number, hi: number): number {
    const exits = this.isGuest && (this.vmcs[VMCS.primary_controls]! & PRIMARY.invlpgExiting) !== 0;
    return exits ? this.maker.exit(EXIT_REASON.invlpg, lo, hi) : NO_EXIT;
  }

  /** SVM's instructions are #UD before this is asked. */
  invlpga(): number { return NO_EXIT; }
  vmrun(): number { return NO_EXIT; }

  /** "INVLPG exiting" is for both; that INVPCID is enabled has been asked. The descriptor's address stands as displacement. */
  invpcid(_type: number, lo: number, hi: number): number {
    const exits = this.isGuest && (this.vmcs[VMCS.primary_controls]! & PRIMARY.invlpgExiting) !== 0;
    return exits ? this.maker.exit(EXIT_REASON.invpcid, lo, hi) : NO_EXIT;
  }

  private get isGuest(): boolean {
    return this.registers[2 * REGISTER.nonRoot] !== 0;
  }
}

/** Interruption information of an event without an error code; `type`: an `EVENT_TYPE`. */
function interruption(type: number, vector: number): number {
  return vector | (type << TYPE_SHIFT) | INTERRUPTION.valid;
}
