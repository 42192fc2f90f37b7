import { OPERATION } from '../paging/accessKinds';
import { RFLAGS } from './controlRegisters';
import type { Invalidations } from '../caches/invalidations';
import type { EptExits } from '../vmx/eptExits';
import { type InstructionEnd, RETRY_LIMIT } from './instructionEnd';
import { NO_EXIT } from './instructionExits';
import type { Interruption } from './interruption';
import { VECTOR } from '../delivery/exceptions';
import { PDPTES, type PdpteRegisters } from '../paging/pdpteRegisters';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorSpaces } from './processorSpaces';
import type { RegisterFile } from './registerFile';
import { REGISTER } from './registers';
import { type PendingOperation, RESUME, STATUS } from './rootMode';

/** The parts of a processor that instructions on registers work on. */
export interface RegisterProcessor {
  readonly registers: Int32Array;
  readonly eptExits: EptExits;
  readonly pending: PendingOperation;
  readonly file: RegisterFile;
  readonly pdptes: PdpteRegisters;
  readonly spaces: ProcessorSpaces;
  readonly events: ProcessorEvents;
  readonly interruption: Interruption;
  /** Recomputes derived state. */
  readonly reload: () => void;
  readonly invalidations: Invalidations;
  readonly end: InstructionEnd;
}

/** MOV to and from registers, WRMSR of EFER, WRPKRU, STAC and CLAC; each comes back with a `STATUS`. */
export class RegisterInstructions {
  constructor(private readonly processor: RegisterProcessor) {}

  /** MOV to a register (WRMSR for EFER, WRPKRU for PKRU); `number`: a `REGISTER`. */
  write(number: number, lo: number, hi: number): number {
    const { pending, file, events, interruption, end } = this.processor;
    pending.operation = OPERATION.writeRegister;
    pending.register = number;
    pending.operandLo = lo;
    pending.operandHi = hi;
    const index = file.controlRegisterIndex(number);
    if (index >= 0 && (interruption.privilege?.level ?? this.level) === 0) events.crWrite(index, lo, hi);
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      const next = this.isRefused(number) ? interruption.raise(VECTOR.generalProtection, 0, 0, 0) : this.attempt(number, lo, hi);
      if (next !== RESUME.retry) return end.statusOf(next);
    }
    return end.giveUp('the write to a register exits again and again');
  }

  /** Reads a register into the pending operation's value. */
  read(number: number): number {
    const { pending, file, registers, interruption, end } = this.processor;
    pending.operation = OPERATION.readRegister;
    pending.register = number;
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      const next = this.isRefused(number)
        ? interruption.raise(VECTOR.generalProtection, 0, 0, 0) : interruption.exits.registerRead(number);
      if (next === NO_EXIT) {
        pending.valueLo = file.visibleLo(number);
        pending.valueHi = registers[2 * number + 1]!;
        return STATUS.done;
      }
      if (next !== RESUME.retry) return end.statusOf(next);
    }
    return end.giveUp('the read of a register exits again and again');
  }

  /** STAC and CLAC; #UD outside CPL 0. */
  setAlignmentCheck(how: 'set' | 'clear'): number {
    const { pending, registers, interruption, end } = this.processor;
    pending.operation = OPERATION.alignmentCheck;
    pending.operandLo = how === 'set' ? RFLAGS.AC : 0;
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      if (registers[2 * REGISTER.cpl] === 0) {
        const at = 2 * REGISTER.rflags;
        const rflags = registers[at]!;
        registers[at] = how === 'set' ? rflags | RFLAGS.AC : rflags & ~RFLAGS.AC;
        this.processor.reload();
        return STATUS.done;
      }
      const next = interruption.raise(VECTOR.invalidOpcode, 0, 0, 0);
      if (next !== RESUME.retry) return end.statusOf(next);
    }
    return end.giveUp('the #UD of STAC or CLAC exits again and again');
  }

  private attempt(number: number, lo: number, hi: number): number {
    const exit = this.processor.interruption.exits.registerWrite(number, lo, hi);
    return exit === NO_EXIT ? this.complete(number, lo, hi) : exit;
  }

  private isRefused(number: number): boolean {
    return this.processor.file.isPrivileged(number) && this.level !== 0;
  }

  private get level(): number {
    return this.processor.registers[2 * REGISTER.cpl]!;
  }

  /** The write itself, once no exit takes it: RESUME.completed, or what a fault or an exit of the PDPTEs' load led to. */
  complete(number: number, lo: number, hi: number): number {
    const { file, registers, events, interruption } = this.processor;
    const verdict = file.check(number, lo, hi);
    if (verdict.kind === 'fault') return interruption.raise(verdict.vector, 0, 0, 0);
    const refusal = this.loadPdptes(number, lo);
    if (refusal !== RESUME.completed) return refusal;
    const oldLo = registers[2 * number]!;
    const oldHi = registers[2 * number + 1]!;
    const flush = file.write(number, lo, hi);
    if (file.controlRegisterIndex(number) < 0) events.registerWrite(number, lo, hi, oldLo, oldHi);
    if (file.decidesTranslation(number)) this.processor.reload();
    this.processor.invalidations.byWrite(flush);
    return RESUME.completed;
  }

  /** Before anything of the write is done: an illegal PDPTE, or EPT, refuses all of it. SDM Vol. 3, "PDPTE Registers". */
  private loadPdptes(number: number, lo: number): number {
    const { file, registers, spaces, pdptes, interruption } = this.processor;
    if (spaces.readsPdptesFromMemory || !file.loadsPdptes(number, lo)) return RESUME.completed;
    const ept = spaces.linear.nested;
    switch (pdptes.load(number === REGISTER.cr3 ? lo : registers[2 * REGISTER.cr3]!, ept)) {
      case PDPTES.illegal: return interruption.raise(VECTOR.generalProtection, 0, 0, 0);
      case PDPTES.loaded: return RESUME.completed;
    }
    if (ept === undefined) throw new Error('invariant: nothing but EPT refuses the address of PDPTEs');
    this.processor.invalidations.byPdpteRefusal(ept.result.gpaLo, ept.result.gpaHi);
    return this.processor.eptExits.refuse(ept.result, 0, 0);
  }
}
