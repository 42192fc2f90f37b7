import { STATUS, type Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { VMCS, vmcsFields } from '../../hardware/vmx/vmcs';
import { instructionRows } from '../../language/instructions';
import { INSTRUCTION_WORDS, OP, type Program } from '../../language/program';
import { setPairAt } from '../arithmetic';
import type { Endings } from './endings';
import type { GuestStack } from './guestStack';
import type { HandlerCalls } from './handlerCalls';
import { isGuestInstruction } from './instructionBoundaries';
import type { Nesting } from '../machine/nesting';
import { RUN } from './runState';
import { ACTOR_STATE, type Scheduler } from '../schedule/scheduler';

/** Vectors below are exceptions. SDM Vol. 3, "Exception and Interrupt Vectors". */
const FIRST_INTERRUPT = 32;
const RDMSR = instructionRows.findIndex(({ name }) => name === 'rdmsr');

/** The parts of the interpreter that a switch works on; arrays are by actor. */
export interface SwitchingInterpreter {
  readonly program: Program;
  readonly nesting: Nesting;
  readonly processors: readonly Processor[];
  readonly stacks: readonly GuestStack[];
  readonly scheduler: Scheduler;
  readonly calls: HandlerCalls;
  readonly endings: Endings;
}

/** Where a processor leaves the program of one guest for that of another: L1 enters L2, or an exit of L2 goes to L1. */
export class GuestSwitch {
  constructor(private readonly parts: SwitchingInterpreter) {
    parts.calls.shutDown = (actor, processor, pc) => this.shutDown(actor, processor, pc);
  }

  /** A CPU of a nested guest. */
  isNested(actor: number): boolean {
    return this.parts.nesting.of(actor) !== undefined;
  }

  /** No nested guest runs before its hypervisor enters it. */
  start(): void {
    const { nesting, scheduler } = this.parts;
    for (const { actor } of nesting.cpus) scheduler.setState(actor, ACTOR_STATE.outside);
  }

  /**
   * An instruction of `actor`, or what comes between two, has come to `status`, neither done nor stopped, and its program counter
   * is back at it. False when its own program goes on, with the exception that came; else the program goes on that the
   * processor has now.
   */
  follow(actor: number, processor: Processor, status: number): boolean {
    const { nesting, scheduler, stacks, calls } = this.parts;
    if (nesting.cpus.length === 0) return false;
    const cpu = nesting.outerOf(actor);
    const running = nesting.runningOn(cpu);
    if (running === actor && status !== STATUS.switched) return false;
    if (running !== actor) scheduler.switchTo(actor, running);
    if (running === cpu) this.completeEntry(cpu, processor);
    else if (nesting.skips(cpu) !== 0) this.skip(running, processor);
    if (status === STATUS.exception) {
      const { pc } = stacks[running]!;
      if (processor.vector < FIRST_INTERRUPT) calls.fault(running, processor, pc);
      else calls.interrupt(running, processor, pc, 'outside');
    }
    return true;
  }

  /** A nested guest without a handler for what came has a triple fault: an exit of its CPU. False for any other actor. */
  private shutDown(actor: number, processor: Processor, pc: number): boolean {
    const { nesting, stacks } = this.parts;
    if (nesting.of(actor) === undefined) return false;
    stacks[actor]!.pc = pc;
    return this.follow(actor, processor, processor.tripleFault());
  }

  /**
   * `vmlaunch(vm)` or `vmresume(vm)` by `cpu`, whose program counter is behind it, with the VM's number at `operands` and its result
   * at `result`, which is set when it is done. A `STATUS`.
   */
  enter(cpu: number, processor: Processor, name: string, words: Int32Array, operands: number, result: number): number {
    const { nesting, endings } = this.parts;
    const vm = words[operands]!;
    if (nesting.hasOtherCurrent(vm, cpu)) {
      endings.die(RUN.otherVmcs, cpu, 0, vm, 0, 0);
      return STATUS.done;
    }
    const status = name === 'vmlaunch' ? processor.vmx.vmlaunch() : processor.vmx.vmresume();
    if (status === STATUS.done) {
      const reason = nesting.entryResult(processor, cpu);
      setPairAt(words, result, reason, reason >> 31);
    }
    return status;
  }

  /** VMCS field `number` (of `vmcsFields`) into the pair at `at`, as an expectation finds it: without an exit. A `STATUS`. */
  look(actor: number, number: number, words: Int32Array, at: number): number {
    const { nesting } = this.parts;
    const field = VMCS[vmcsFields[number]!.name];
    const cpu = nesting.outerOf(actor);
    setPairAt(words, at, nesting.peek(cpu, field), nesting.peek(cpu, field + 1));
    return STATUS.done;
  }

  /** VMREAD into the pair at `at`, where 0 is when it fails. A `STATUS`. */
  read(processor: Processor, number: number, words: Int32Array, at: number): number {
    processor.valueLo = 0;
    processor.valueHi = 0;
    const status = processor.vmx.vmread(vmcsFields[number]!.encoding, 0);
    if (status === STATUS.done) setPairAt(words, at, processor.valueLo, processor.valueHi);
    return status;
  }

  write(processor: Processor, number: number, lo: number, hi: number): number {
    return processor.vmx.vmwrite(vmcsFields[number]!.encoding, 0, lo, hi);
  }

  /** The VMLAUNCH or VMRESUME that `cpu` stands at is over: an exit of L2 has come. */
  private completeEntry(cpu: number, processor: Processor): void {
    const { program: { code }, nesting, stacks } = this.parts;
    const stack = stacks[cpu]!;
    const reason = nesting.entryResult(processor, cpu);
    setPairAt(stack.words, stack.base + 2 * code[stack.pc * INSTRUCTION_WORDS + 3]!, reason, reason >> 31);
    stack.pc++;
  }

  /** L1 has done the instruction that `actor` stands at, and moved RIP behind it: what it gives is what L1 has left in RAX, of RDMSR in EDX:EAX. */
  private skip(actor: number, { registers }: Processor): void {
    const { program: { code }, stacks } = this.parts;
    const stack = stacks[actor]!;
    const at = stack.pc * INSTRUCTION_WORDS;
    if (isGuestInstruction[code[at]!] === 0) return;
    if (code[at] === OP.instruction) {
      const hi = registers[2 * (code[at + 1] === RDMSR ? REGISTER.rdx : REGISTER.rax) + (code[at + 1] === RDMSR ? 0 : 1)]!;
      setPairAt(stack.words, stack.base + 2 * code[at + 3]!, registers[2 * REGISTER.rax]!, hi);
    }
    stack.pc++;
  }
}
