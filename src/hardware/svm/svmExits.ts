import { CR0 } from '../processor/controlRegisters';
import { MOV_CR_INFO_HI } from './exitInformation';
import { type InstructionExits, NO_EXIT } from '../processor/instructionExits';
import { msrIntercepted } from './permissionMaps';
import type { PhysicalMemory } from '../memory/physicalMemory';
import { REGISTER } from '../processor/registers';
import { isIntercepted, SVM_EXIT } from './svmExitCodes';
import { VMCB } from './vmcb';

const CONTROL_REGISTER_NUMBER = new Map<number, number>([
  [REGISTER.cr0, 0], [REGISTER.cr2, 2], [REGISTER.cr3, 3], [REGISTER.cr4, 4],
]);
const PAGE_FAULT = 14;
const MSR_EFER = 0xc000_0080;
/** A write that changes nothing else is no business of the selective intercept. APM Vol. 2, "CR0 Selective Write Intercept". */
const CR0_UNSELECTED = CR0.TS | CR0.MP;
/** EXITINFO1 of an MSR exit. */
const MSR_INFO = { read: 0, write: 1 } as const;

/** Makes a #VMEXIT of what has been decided; `SvmOperation.exit`. */
export interface SvmExitMaker {
  exit(code: number, info1Lo: number, info1Hi: number, info2Lo: number, info2Hi: number): number;
}

/** The parts of a processor that intercepts depend on. */
export interface InterceptedProcessor {
  readonly registers: Int32Array;
  readonly vmcb: Int32Array;
  readonly memory: PhysicalMemory;
}

/** Exits by the intercepts of the VMCB. APM Vol. 2, "Exception Intercepts", "Instruction Intercepts". */
export class SvmExits implements InstructionExits {
  constructor(private readonly processor: InterceptedProcessor, private readonly maker: SvmExitMaker) {}

  /** CR2 stays as it is when a page fault exits: the address is in EXITINFO2. */
  exception(vector: number, errorCode: number, lo: number, hi: number): number {
    if (!this.intercepts(SVM_EXIT.exception0 + vector)) return NO_EXIT;
    const isPageFault = vector === PAGE_FAULT;
    return this.maker.exit(SVM_EXIT.exception0 + vector, errorCode, 0, isPageFault ? lo : 0, isPageFault ? hi : 0);
  }

  /** APM Vol. 2, "Shutdown Intercept": without it the processor shuts down. */
  tripleFault(): number {
    return this.intercepts(SVM_EXIT.shutdown) ? this.maker.exit(SVM_EXIT.shutdown, 0, 0, 0, 0) : NO_EXIT;
  }

  /** A write to CR0 that both intercepts want exits by the plain one. */
  registerWrite(register: number, lo: number, _hi: number): number {
    if (register === REGISTER.efer) return this.msr(MSR_EFER, 'write');
    const number = CONTROL_REGISTER_NUMBER.get(register);
    if (number === undefined) return NO_EXIT;
    if (this.intercepts(SVM_EXIT.writeCr0 + number)) return this.maker.exit(SVM_EXIT.writeCr0 + number, 0, MOV_CR_INFO_HI, 0, 0);
    const changed = (lo ^ this.processor.registers[2 * REGISTER.cr0]!) & ~CR0_UNSELECTED;
    if (number !== 0 || changed === 0 || !this.intercepts(SVM_EXIT.cr0SelectiveWrite)) return NO_EXIT;
    return this.maker.exit(SVM_EXIT.cr0SelectiveWrite, 0, MOV_CR_INFO_HI, 0, 0);
  }

  registerRead(register: number): number {
    if (register === REGISTER.efer) return this.msr(MSR_EFER, 'read');
    const number = CONTROL_REGISTER_NUMBER.get(register);
    if (number === undefined || !this.intercepts(SVM_EXIT.readCr0 + number)) return NO_EXIT;
    return this.maker.exit(SVM_EXIT.readCr0 + number, 0, MOV_CR_INFO_HI, 0, 0);
  }

  /** With decode assists: EXITINFO1 is the linear address. APM Vol. 2, "INVLPG and INVLPGA Intercepts". */
  invlpg(lo: number, hi: number): number {
    return this.intercepts(SVM_EXIT.invlpg) ? this.maker.exit(SVM_EXIT.invlpg, lo, hi, 0, 0) : NO_EXIT;
  }

  invpcid(): number {
    return this.intercepts(SVM_EXIT.invpcid) ? this.maker.exit(SVM_EXIT.invpcid, 0, 0, 0, 0) : NO_EXIT;
  }

  /** RDMSR or WRMSR of an MSR by its number. APM Vol. 2, "MSR Intercepts". */
  private msr(msr: number, how: 'read' | 'write'): number {
    const { vmcb, memory } = this.processor;
    if (!this.intercepts(SVM_EXIT.msr)) return NO_EXIT;
    if (!msrIntercepted(memory, vmcb[VMCB.msrpm_base_pa]!, vmcb[VMCB.msrpm_base_pa + 1]!, msr, how)) return NO_EXIT;
    return this.maker.exit(SVM_EXIT.msr, MSR_INFO[how], 0, 0, 0);
  }

  private intercepts(code: number): boolean {
    return this.processor.registers[2 * REGISTER.nonRoot] !== 0 && isIntercepted(this.processor.vmcb, code);
  }
}
