import { STATUS, type Processor } from '../../hardware/processor/processor';
import { INTERRUPTIBILITY, REGISTER } from '../../hardware/processor/registers';
import { INSTRUCTION_WORDS, OP, type Program } from '../../language/program';
import type { Endings } from './endings';
import type { GuestSwitch } from './guestSwitch';
import type { GuestStack } from './guestStack';
import type { HandlerCalls } from './handlerCalls';
import { RUN } from './runState';
import { ACTOR_STATE, type Scheduler } from '../schedule/scheduler';
import { spinsForEver } from '../schedule/spinning';

/** Vectors below are exceptions: of a delivery that has faulted. SDM Vol. 3, "Exception and Interrupt Vectors". */
const FIRST_INTERRUPT = 32;

/** 1 for each operation that is an instruction of the guest's own: before these chance may change the CPU, and interrupts come. */
export const isGuestInstruction = new Uint8Array(256);
for (const operation of [
  OP.load, OP.store, OP.readModifyWrite, OP.fetch, OP.registerGet, OP.registerSet, OP.invlpg, OP.stac, OP.clac, OP.instruction,
  OP.vmcsGet, OP.vmcsSet,
]) isGuestInstruction[operation] = 1;

/** 1 for each operation behind which something else may come than what follows it. */
const endsLookAhead = new Uint8Array(256);
for (const operation of [
  OP.statement, OP.jump, OP.jumpIf, OP.jumpUnless, OP.jumpUnlessTechnique, OP.call, OP.return, OP.iret, OP.refuse, OP.end,
]) endsLookAhead[operation] = 1;

/** The parts of the interpreter that lie between instructions; arrays are by CPU. */
export interface BoundedInterpreter {
  readonly program: Program;
  readonly processors: readonly Processor[];
  readonly stacks: readonly GuestStack[];
  readonly globals: Int32Array;
  readonly scheduler: Scheduler;
  readonly calls: HandlerCalls;
  readonly endings: Endings;
  readonly guests: GuestSwitch;
}

/** What comes between two instructions of a CPU. */
export class InstructionBoundaries {
  constructor(private readonly parts: BoundedInterpreter) {}

  /** Asks the processor of `cpu`, if it is a CPU, for what it takes before its next instruction; true when it takes something. */
  takesPending(cpu: number): boolean {
    const { processors, stacks, scheduler, calls, endings, guests } = this.parts;
    const processor = processors[cpu];
    const stack = stacks[cpu]!;
    if (processor === undefined || !(this.isBoundary(stack.pc) || scheduler.isHalted(cpu))) return false;
    if (this.comesAgain(processor, stack.pc)) return false;
    const status = processor.deliverPending();
    if (status === STATUS.done) return false;
    if (status === STATUS.stopped) endings.stop(cpu);
    else if (guests.follow(cpu, processor, status)) return true;
    else if (processor.vector < FIRST_INTERRUPT) calls.fault(cpu, processor, stack.pc);
    else calls.interrupt(cpu, processor, stack.pc, 'outside');
    return true;
  }

  /**
   * True of the start of a statement that has an instruction ahead, while STI blocks for one: it is the same boundary as
   * the one before that instruction, and to ask the processor twice would end the blocking too early.
   */
  private comesAgain(processor: Processor, pc: number): boolean {
    if ((processor.registers[2 * REGISTER.interruptibility]! & INTERRUPTIBILITY.blockingBySti) === 0) return false;
    const { code } = this.parts.program;
    if (code[pc * INSTRUCTION_WORDS] !== OP.statement) return false;
    for (let ahead = pc + 1; ; ahead++) {
      const operation = code[ahead * INSTRUCTION_WORDS]!;
      if (isGuestInstruction[operation] !== 0 || operation === OP.meet) return true;
      if (endsLookAhead[operation] !== 0) return false;
    }
  }

  /** 1 before a statement that is no expectation: expectations in a row judge one statement, and nothing comes between. */
  isBeforeStatement(pc: number): number {
    const { code, statements } = this.parts.program;
    const at = pc * INSTRUCTION_WORDS;
    return code[at] === OP.statement && !statements[code[at + 1]!]!.isExpect ? 1 : 0;
  }

  /** The actor whose turn it is runs because nobody else can: where it only goes round a loop, the run is over. */
  endIdleLoop(): void {
    const { scheduler: { current }, endings } = this.parts;
    if (spinsForEver(this.parts, current)) endings.die(RUN.deadlock, current, 0, 0, 0, 0);
  }

  /** The block of `actor` is over, or it halts with nothing left to do, or it is a nested guest that nobody enters any more. */
  hasEnded(actor: number): boolean {
    const { program: { code }, scheduler, stacks, guests } = this.parts;
    const state = scheduler.state(actor);
    if (state === ACTOR_STATE.ended || state === ACTOR_STATE.dead || state === ACTOR_STATE.outside && guests.isNested(actor)) return true;
    const { pc, depth } = stacks[actor]!;
    return code[pc * INSTRUCTION_WORDS] === OP.end && depth === 0 && scheduler.isHalted(actor);
  }

  /** Before a statement, an instruction of the guest's, or where the CPU waits. */
  private isBoundary(pc: number): boolean {
    const operation = this.parts.program.code[pc * INSTRUCTION_WORDS]!;
    return isGuestInstruction[operation] !== 0 || operation === OP.meet || operation === OP.end || this.isBeforeStatement(pc) !== 0;
  }
}
