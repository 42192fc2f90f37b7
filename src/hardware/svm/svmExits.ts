import { CR0 } from '../processor/controlRegisters';
import { sumHi } from '../memory/addressSum';
import { encodeIo, MOV_CR_INFO_HI, taskSwitchInformationHi } from './exitInformation';
import { INSTRUCTION_LENGTH } from '../processor/instructionLengths';
import { type InstructionExits, NO_EXIT } from '../processor/instructionExits';
import { ioIntercepted, msrIntercepted } from './permissionMaps';
import type { PermissionBits } from '../memory/permissionBits';
import { OPERATION } from '../paging/accessKinds';
import { CONTROL_REGISTER_NUMBERS, REGISTER } from '../processor/registers';
import { isIntercepted, SVM_EXIT } from './svmExitCodes';
import { VMCB } from './vmcb';
import { NO_VIRTUAL_INTERRUPT, pendingVirtualInterrupt } from './virtualInterrupt';

const PAGE_FAULT = 14;
const MSR_EFER = 0xc000_0080;
/** A write that changes nothing else is no business of the selective intercept. APM Vol. 2, "CR0 Selective Write Intercept". */
const CR0_UNSELECTED = CR0.TS | CR0.MP;
/** EXITINFO1 of an MSR exit. */
const MSR_INFO = { read: 0, write: 1 } as const;

/** Intercepts of SGDT, SIDT, SLDT and STR, by `OPERATION`. */
const tableReads: ReadonlyMap<number, number> = new Map([
  [OPERATION.sgdt, SVM_EXIT.gdtrRead], [OPERATION.sidt, SVM_EXIT.idtrRead], [OPERATION.sldt, SVM_EXIT.ldtrRead], [OPERATION.str, SVM_EXIT.trRead],
]);

/** Makes a #VMEXIT of what has been decided; `SvmOperation.exit`. */
export interface SvmExitMaker {
  /** `length`: of the instruction that is intercepted, for nRIP; 0 for what is no instruction's. */
  exit(code: number, info1Lo: number, info1Hi: number, info2Lo: number, info2Hi: number, length: number): number;
}

/** The parts of a processor that intercepts depend on. */
export interface InterceptedProcessor {
  readonly registers: Int32Array;
  readonly vmcb: Int32Array;
}

/**
 * Exits by the intercepts of the VMCB, with decode assists and nRIP. APM Vol. 2, "Exception Intercepts", "Instruction
 * Intercepts".
 */
export class SvmExits implements InstructionExits {
  constructor(
    private readonly processor: InterceptedProcessor, private readonly bits: PermissionBits, private readonly maker: SvmExitMaker,
  ) {}

  /** CR2 stays as it is when a page fault exits: the address is in EXITINFO2. */
  exception(vector: number, errorCode: number, lo: number, hi: number): number {
    if (!this.intercepts(SVM_EXIT.exception0 + vector)) return NO_EXIT;
    const isPageFault = vector === PAGE_FAULT;
    return this.maker.exit(SVM_EXIT.exception0 + vector, errorCode, 0, isPageFault ? lo : 0, isPageFault ? hi : 0, 0);
  }

  /** APM Vol. 2, "Shutdown Intercept": without it the processor shuts down. */
  tripleFault(): number {
    return this.event(SVM_EXIT.shutdown);
  }

  /** A physical interrupt, which stays pending: nothing acknowledges it. APM Vol. 2, "INTR Intercept". */
  externalInterrupt(_acknowledge: () => number): number {
    return this.event(SVM_EXIT.intr);
  }

  nmi(): number {
    return this.event(SVM_EXIT.nmi);
  }

  /** SVM has no such window: software waits for the guest's IRET. */
  nmiWindow(): number {
    return NO_EXIT;
  }

  /** A window is a virtual interrupt that could be taken. APM Vol. 2, "Virtual Interrupt Intercept". */
  interruptWindow(): number {
    return pendingVirtualInterrupt(this.processor.vmcb) === NO_VIRTUAL_INTERRUPT ? NO_EXIT : this.event(SVM_EXIT.vintr);
  }

  /** INT n, before anything of it is done. APM Vol. 2, "INTn Intercept". */
  softwareInterrupt(): number {
    return this.instruction(SVM_EXIT.swint, INSTRUCTION_LENGTH.intn);
  }

  /** EXITINFO1 is the selector of the task that is switched to. APM Vol. 2, "Task Switch Intercept". */
  taskSwitch(selector: number, source: number): number {
    if (!this.intercepts(SVM_EXIT.taskSwitch)) return NO_EXIT;
    return this.maker.exit(SVM_EXIT.taskSwitch, selector, 0, 0, taskSwitchInformationHi(source), 0);
  }

  /** A write to CR0 that both intercepts want exits by the plain one. */
  registerWrite(register: number, lo: number, _hi: number): number {
    if (register === REGISTER.efer) return this.msr(MSR_EFER, 'write');
    const number = CONTROL_REGISTER_NUMBERS.get(register);
    if (number === undefined) return NO_EXIT;
    if (this.intercepts(SVM_EXIT.writeCr0 + number)) return this.movCr(SVM_EXIT.writeCr0 + number);
    const changed = (lo ^ this.processor.registers[2 * REGISTER.cr0]!) & ~CR0_UNSELECTED;
    if (number !== 0 || changed === 0 || !this.intercepts(SVM_EXIT.cr0SelectiveWrite)) return NO_EXIT;
    return this.movCr(SVM_EXIT.cr0SelectiveWrite);
  }

  registerRead(register: number): number {
    if (register === REGISTER.efer) return this.msr(MSR_EFER, 'read');
    const number = CONTROL_REGISTER_NUMBERS.get(register);
    return number !== undefined && this.intercepts(SVM_EXIT.readCr0 + number) ? this.movCr(SVM_EXIT.readCr0 + number) : NO_EXIT;
  }

  /** EXITINFO1 is the linear address. APM Vol. 2, "INVLPG and INVLPGA Intercepts". */
  invlpg(lo: number, hi: number): number {
    return this.instruction(SVM_EXIT.invlpg, INSTRUCTION_LENGTH.invlpg, lo, hi);
  }

  invlpga(): number {
    return this.instruction(SVM_EXIT.invlpga, INSTRUCTION_LENGTH.invlpga);
  }

  /** EXITINFO1 is the linear address of the descriptor, EXITINFO2 the type. APM Vol. 2, "INVPCID Intercept". */
  invpcid(type: number, lo: number, hi: number): number {
    return this.instruction(SVM_EXIT.invpcid, INSTRUCTION_LENGTH.invpcid, lo, hi, type);
  }

  cpuid(): number {
    return this.instruction(SVM_EXIT.cpuid, INSTRUCTION_LENGTH.cpuid);
  }

  hlt(): number {
    return this.instruction(SVM_EXIT.hlt, INSTRUCTION_LENGTH.hlt);
  }

  /** APM Vol. 2, "Instruction Intercepts". */
  storeTable(operation: number): number {
    const code = tableReads.get(operation);
    if (code === undefined) throw new Error(`invariant: operation ${operation} stores no descriptor-table register`);
    return this.instruction(code, INSTRUCTION_LENGTH.storeTable);
  }

  /** Bit 63 of EXITINFO1 is 0: it is no MOV. APM Vol. 2, "MOV CRx/DRx Intercepts". */
  smsw(): number {
    return this.instruction(SVM_EXIT.readCr0, INSTRUCTION_LENGTH.smsw);
  }

  /** VMMCALL. */
  vmcall(): number {
    return this.instruction(SVM_EXIT.vmmcall, INSTRUCTION_LENGTH.vmcall);
  }

  /** This processor has none of them. */
  vmx(): number {
    return NO_EXIT;
  }

  vmrun(): number {
    return this.instruction(SVM_EXIT.vmrun, INSTRUCTION_LENGTH.vmrun);
  }

  /** IN or OUT of 1, 2 or 4 bytes; EXITINFO2 is the address of the next instruction. APM Vol. 2, "IOIO Intercept". */
  io(port: number, size: number, direction: 'in' | 'out'): number {
    const { vmcb, registers } = this.processor;
    if (!this.intercepts(SVM_EXIT.ioio)) return NO_EXIT;
    if (!ioIntercepted(this.bits, vmcb[VMCB.iopm_base_pa]!, vmcb[VMCB.iopm_base_pa + 1]!, port, size)) return NO_EXIT;
    const length = size === 2 ? INSTRUCTION_LENGTH.ioOf16Bits : INSTRUCTION_LENGTH.io;
    const rip = registers[2 * REGISTER.rip]!;
    const nextHi = sumHi(rip, registers[2 * REGISTER.rip + 1]!, length);
    return this.maker.exit(SVM_EXIT.ioio, encodeIo(port, size, direction), 0, rip + length | 0, nextHi, length);
  }

  /** RDMSR or WRMSR of an MSR by its number. APM Vol. 2, "MSR Intercepts". */
  msr(msr: number, how: 'read' | 'write'): number {
    const { vmcb } = this.processor;
    if (!this.intercepts(SVM_EXIT.msr)) return NO_EXIT;
    if (!msrIntercepted(this.bits, vmcb[VMCB.msrpm_base_pa]!, vmcb[VMCB.msrpm_base_pa + 1]!, msr, how)) return NO_EXIT;
    return this.maker.exit(SVM_EXIT.msr, MSR_INFO[how], 0, 0, 0, INSTRUCTION_LENGTH.msr);
  }

  private movCr(code: number): number {
    return this.maker.exit(code, 0, MOV_CR_INFO_HI, 0, 0, INSTRUCTION_LENGTH.movCr);
  }

  /** What breaks in between instructions. */
  private event(code: number): number {
    return this.intercepts(code) ? this.maker.exit(code, 0, 0, 0, 0, 0) : NO_EXIT;
  }

  private instruction(code: number, length: number, info1Lo = 0, info1Hi = 0, info2Lo = 0): number {
    return this.intercepts(code) ? this.maker.exit(code, info1Lo, info1Hi, info2Lo, 0, length) : NO_EXIT;
  }

  private intercepts(code: number): boolean {
    return this.processor.registers[2 * REGISTER.nonRoot] !== 0 && isIntercepted(this.processor.vmcb, code);
  }
}
