import { EXIT_REASON } from './exitReasons';
import { type InstructionExits, NO_EXIT } from '../processor/instructionExits';
import { REGISTER } from '../processor/registers';
import { PRIMARY, VMCS } from './vmcs';
import { exceptionExits, recordException, registerReadExit, registerWriteExit } from './vmxTransitions';

const PAGE_FAULT = 14;

/** Makes a VM exit of what has been decided; `Interruption.exit`. */
export interface VmExitMaker {
  exit(reason: number, qualificationLo: number, qualificationHi: number): number;
}

/** Exits by the controls of the VMCS. SDM Vol. 3, "Instructions That Cause VM Exits", "Exceptions". */
export class VmxExits implements InstructionExits {
  constructor(
    private readonly registers: Int32Array, private readonly vmcs: Int32Array, private readonly maker: VmExitMaker,
  ) {}

  exception(vector: number, errorCode: number, lo: number, hi: number): number {
    const { vmcs, maker } = this;
    if (!this.isGuest || !exceptionExits(vmcs, vector, errorCode)) return NO_EXIT;
    recordException(this.registers, vmcs, vector, errorCode);
    return vector === PAGE_FAULT ? maker.exit(EXIT_REASON.exception_nmi, lo, hi) : maker.exit(EXIT_REASON.exception_nmi, 0, 0);
  }

  /** No control asks for it. SDM Vol. 3, "Other Causes of VM Exits". */
  tripleFault(): number {
    return this.isGuest ? this.maker.exit(EXIT_REASON.triple_fault, 0, 0) : NO_EXIT;
  }

  registerWrite(register: number, lo: number, hi: number): number {
    const exit = this.isGuest ? registerWriteExit(this.vmcs, register, lo, hi) : undefined;
    return exit === undefined ? NO_EXIT : this.maker.exit(exit.reason, exit.qualification, 0);
  }

  registerRead(register: number): number {
    const exit = this.isGuest ? registerReadExit(this.vmcs, register) : undefined;
    return exit === undefined ? NO_EXIT : this.maker.exit(exit.reason, exit.qualification, 0);
  }

  invlpg(lo: number, hi: number): number {
    const exits = this.isGuest && (this.vmcs[VMCS.primary_controls]! & PRIMARY.invlpgExiting) !== 0;
    return exits ? this.maker.exit(EXIT_REASON.invlpg, lo, hi) : NO_EXIT;
  }

  /** "INVLPG exiting" is for both; that INVPCID is enabled has been asked. The descriptor's address stands as displacement. */
  invpcid(_type: number, lo: number, hi: number): number {
    const exits = this.isGuest && (this.vmcs[VMCS.primary_controls]! & PRIMARY.invlpgExiting) !== 0;
    return exits ? this.maker.exit(EXIT_REASON.invpcid, lo, hi) : NO_EXIT;
  }

  private get isGuest(): boolean {
    return this.registers[2 * REGISTER.nonRoot] !== 0;
  }
}
