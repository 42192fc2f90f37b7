import { CR0, CR4, RFLAGS } from '../processor/controlRegisters';
import { DELIVERED } from './deliveryProcessor';
import { VECTOR } from './exceptions';
import { EVENT_TYPE } from './deliveredEvent';
import { type InstructionEnd, RETRY_LIMIT } from '../processor/instructionEnd';
import { NO_EXIT } from '../processor/instructionExits';
import type { Interruption } from '../processor/interruption';
import type { InterruptReturn } from './interruptReturn';
import { OPERATION } from '../paging/accessKinds';
import { INTERRUPTIBILITY, REGISTER } from '../processor/registers';
import { type PendingOperation, RESUME, STATUS } from '../processor/rootMode';
import { PIN, VMCS } from '../vmx/vmcs';

const INT_N_BYTES = 2;
const INT3_BYTES = 1;
const USER_LEVEL = 3;

/** The parts of a processor that instructions which raise events, and which return from them, work on. */
export interface EventInstructionProcessor {
  readonly vendor: 'intel' | 'amd';
  readonly registers: Int32Array;
  readonly vmcs: Int32Array;
  readonly pending: PendingOperation;
  readonly interruption: Interruption;
  readonly interruptReturn: InterruptReturn;
  readonly end: InstructionEnd;
}

/** What STI and CLI change. SDM Vol. 2, "STI—Set Interrupt Flag". */
type FlagVerdict = 'IF' | 'VIF' | '#GP(0)';

interface FlagRow {
  readonly when: string;
  readonly applies: (cpl: number, iopl: number, flags: number, cr4: number, cr0: number) => boolean;
  readonly set: FlagVerdict;
  readonly clear: FlagVerdict;
}

/** The first row that applies. SDM Vol. 2, "CLI—Clear Interrupt Flag", "STI—Set Interrupt Flag": the decision tables. */
const flagRows: readonly FlagRow[] = [
  { when: 'real-address mode', applies: (_cpl, _iopl, _flags, _cr4, cr0) => (cr0 & CR0.PE) === 0, set: 'IF', clear: 'IF' },
  { when: 'IOPL admits the CPL', applies: (cpl, iopl) => iopl >= cpl, set: 'IF', clear: 'IF' },
  {
    when: 'virtual interrupts of virtual-8086 mode, one pending',
    applies: (_cpl, _iopl, flags, cr4) => (flags & RFLAGS.VM) !== 0 && (cr4 & CR4.VME) !== 0 && (flags & RFLAGS.VIP) !== 0,
    set: '#GP(0)', clear: 'VIF',
  },
  {
    when: 'virtual interrupts of virtual-8086 mode',
    applies: (_cpl, _iopl, flags, cr4) => (flags & RFLAGS.VM) !== 0 && (cr4 & CR4.VME) !== 0, set: 'VIF', clear: 'VIF',
  },
  {
    when: 'virtual interrupts of protected mode, one pending',
    applies: (cpl, _iopl, flags, cr4) => cpl === USER_LEVEL && (flags & RFLAGS.VM) === 0 && (cr4 & CR4.PVI) !== 0 && (flags & RFLAGS.VIP) !== 0,
    set: '#GP(0)', clear: 'VIF',
  },
  {
    when: 'virtual interrupts of protected mode',
    applies: (cpl, _iopl, flags, cr4) => cpl === USER_LEVEL && (flags & RFLAGS.VM) === 0 && (cr4 & CR4.PVI) !== 0, set: 'VIF', clear: 'VIF',
  },
  { when: 'IOPL below the CPL', applies: () => true, set: '#GP(0)', clear: '#GP(0)' },
];

/** INT n, INT3, exceptions that a program brings about by itself, IRET, STI and CLI: each comes back with a `STATUS`. */
export class EventInstructions {
  constructor(private readonly processor: EventInstructionProcessor) {}

  /** INT n. In virtual-8086 mode it needs IOPL 3: without it redirection by CR4.VME is not simulated. SDM Vol. 3, "Software Interrupt Handling Methods". */
  softwareInterrupt(vector: number): number {
    const { pending, registers, interruption } = this.processor;
    pending.operation = OPERATION.softwareInterrupt;
    return this.repeat(() => {
      const rflags = registers[2 * REGISTER.rflags]!;
      if ((rflags & RFLAGS.VM) !== 0 && (rflags & RFLAGS.iopl) !== RFLAGS.iopl) return interruption.raise(VECTOR.generalProtection, 0, 0, 0);
      const exit = interruption.exits.softwareInterrupt(vector);
      return exit === NO_EXIT ? interruption.interrupt(EVENT_TYPE.softwareInterrupt, vector, INT_N_BYTES) : exit;
    });
  }

  /** INT3: #BP, a trap, whose gate's DPL must admit the CPL. */
  breakpoint(): number {
    this.processor.pending.operation = OPERATION.softwareInterrupt;
    return this.repeat(() => this.processor.interruption.softwareException(EVENT_TYPE.softwareException, VECTOR.breakpoint, INT3_BYTES));
  }

  /** An exception that an instruction comes to by itself: #DE, #UD, #DB …; `errorCode` where the vector has one. */
  exception(vector: number, errorCode: number): number {
    return this.repeat(() => this.processor.interruption.raise(vector, errorCode, 0, 0));
  }

  /** IRET, IRETD or IRETQ, as the mode has it; done when the interrupted program is to go on. */
  interruptReturn(): number {
    const { pending, interruption, interruptReturn } = this.processor;
    pending.operation = OPERATION.interruptReturn;
    return this.repeat(() => {
      interruption.hasUnblockedNmi = this.unblockNmi();
      const answer = interruptReturn.return();
      interruption.hasUnblockedNmi = 0;
      return answer;
    });
  }

  /**
   * STI and CLI. Where an STI sets IF, the boundary behind it is blocked, so that `sti` and `hlt` are never parted.
   * SDM Vol. 2, "STI—Set Interrupt Flag".
   */
  setInterruptFlag(how: 'set' | 'clear'): number {
    const { pending, registers } = this.processor;
    pending.operation = OPERATION.interruptFlag;
    pending.operandLo = how === 'set' ? RFLAGS.IF : 0;
    const flags = registers[2 * REGISTER.rflags]!;
    const cpl = registers[2 * REGISTER.cpl]!;
    const iopl = (flags & RFLAGS.iopl) >>> RFLAGS.ioplShift;
    const row = flagRows.find((each) => each.applies(cpl, iopl, flags, registers[2 * REGISTER.cr4]!, registers[2 * REGISTER.cr0]!));
    const verdict = row?.[how] ?? '#GP(0)';
    if (verdict === '#GP(0)') return this.exception(VECTOR.generalProtection, 0);
    const flag = RFLAGS[verdict];
    registers[2 * REGISTER.rflags] = how === 'set' ? flags | flag : flags & ~flag;
    if (how === 'set' && flag === RFLAGS.IF && (flags & RFLAGS.IF) === 0) registers[2 * REGISTER.interruptibility]! |= INTERRUPTIBILITY.blockingBySti;
    return STATUS.done;
  }

  /**
   * IRET ends blocking by NMI before it does anything that may fault. SDM Vol. 3, "Changes to Instruction Behavior in
   * VMX Non-Root Operation": not where NMIs exit and are not virtual. 1 when it was blocked.
   */
  private unblockNmi(): number {
    const { vendor, registers, vmcs } = this.processor;
    const pin = registers[2 * REGISTER.nonRoot] !== 0 && vendor === 'intel' ? vmcs[VMCS.pin_controls]! : 0;
    if ((pin & PIN.nmiExiting) !== 0 && (pin & PIN.virtualNmis) === 0) return 0;
    const wasBlocked = (registers[2 * REGISTER.interruptibility]! & INTERRUPTIBILITY.blockingByNmi) !== 0;
    registers[2 * REGISTER.interruptibility]! &= ~INTERRUPTIBILITY.blockingByNmi;
    return wasBlocked ? 1 : 0;
  }

  /** Again after each exit that root mode answers with a retry. */
  private repeat(attempt: () => number): number {
    const { end } = this.processor;
    for (let i = 0; i < RETRY_LIMIT; i++) {
      const answer = attempt();
      if (answer === DELIVERED) return STATUS.done;
      if (answer !== RESUME.retry) return end.statusOf(answer);
    }
    return end.giveUp('the instruction exits again and again');
  }
}
