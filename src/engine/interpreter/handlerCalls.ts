import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import type { EventBus } from '../../hardware/events/eventBus';
import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import { STATUS, type Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { SEGMENT } from '../../hardware/segments/segmentRegisters';
import { COUNTER } from '../../hardware/state/counters';
import { VMCS } from '../../hardware/vmx/vmcs';
import type { Program } from '../../language/program';
import { EXCEPTION_VECTORS, type Handlers } from '../../language/virtualMachines';
import { setPairAt } from '../arithmetic';
import { HANDLER_BYTES, handlersOf, REAL_HANDLERS } from './deliveryTables';
import type { Endings } from './endings';
import type { FaultRepeats } from './faultRepeats';
import type { GuestStack } from './guestStack';
import type { Happenings } from './happenings';
import { appliesTo } from './judge';
import type { PrivilegeSwitch } from './privilegeSwitch';
import { RUN } from './runState';
import type { StatementIndex } from './statementIndex';

const USER_LEVEL = 3;
const VECTORS = 256;
const NO_HANDLER = -1;
/** Vectors below are exceptions. SDM Vol. 3, "Exception and Interrupt Vectors". */
const FIRST_INTERRUPT = 32;
/** Equal faults of one access in a row after which the handler is held to repair nothing. */
const FAULT_LIMIT = 1000;
/** Error code of a gate that is not there: index, IDT, and EXT for an event from outside. SDM Vol. 3, "Error Code". */
const GATE_SHIFT = 3;
const GATE_IN_IDT = 2;
const FROM_OUTSIDE = 1;

/** Offsets into the information area. SDM Vol. 3, "Virtualization-Exception Information". */
const VE = { qualification: 8, physicalAddress: 24 } as const;

/** The parts of the interpreter that calls of handlers work on; arrays are by CPU. */
export interface CallingInterpreter {
  readonly program: Program;
  /** What an actor's expectations are under. */
  readonly techniques: readonly (readonly string[])[];
  readonly bus: EventBus;
  readonly memory: PhysicalMemory;
  readonly stacks: readonly GuestStack[];
  readonly happenings: readonly Happenings[];
  readonly repeats: readonly FaultRepeats[];
  readonly statements: StatementIndex;
  readonly endings: Endings;
  readonly privilege: PrivilegeSwitch;
}

/**
 * How a vector that the processor has delivered comes to the guest's handler, a procedure of the scenario, and how the
 * handler is left. With `delivery direct` an entry clears RFLAGS.IF and IRET puts it back, as an interrupt gate does; with
 * `delivery memory` the processor has pushed a frame, and pops it.
 */
export class HandlerCalls {
  /** Procedure by CPU and vector. */
  private readonly handlers: readonly Int32Array[];
  /** Linear address of the handler of vector 0, by CPU, outside real-address mode. */
  private readonly handlerPages: readonly { readonly lo: number; readonly hi: number }[];

  constructor(private readonly parts: CallingInterpreter) {
    const { actors, vms } = parts.program;
    const ofCpus = actors.filter(({ kind }) => kind === 'cpu').map(({ vm }) => vms[vm]!);
    this.handlers = ofCpus.map(({ handlers }) => vectorTable(handlers));
    this.handlerPages = ofCpus.map(handlersOf);
  }

  /** A double fault has no handler; true when somebody else than the run's end has to do with it. */
  shutDown: (cpu: number, processor: Processor, returnTo: number) => boolean = () => false;

  /** A fault of the instruction at `pc`, which runs again behind the handler. */
  fault(cpu: number, processor: Processor, pc: number): void {
    const { stacks, happenings, repeats, endings } = this.parts;
    const { vector } = processor;
    const { lo, hi, code } = informationOf(this.parts.memory, processor, vector, processor.errorCode);
    if (this.handlerOf(cpu, processor) === NO_HANDLER) return this.withoutHandler(cpu, processor, pc, vector, code);
    happenings[cpu]!.noteFault(vector, code, lo, hi);
    if (repeats[cpu]!.note(vector, code, lo, hi, pc, stacks[cpu]!.depth) >= FAULT_LIMIT) {
      return endings.die(RUN.handlerLoop, cpu, vector, code, lo, hi);
    }
    this.enter(cpu, processor, vector, code, lo, hi, pc);
  }

  /** An interrupt, or what an INT n has raised; `returnTo`: the instruction that the handler returns to. */
  interrupt(cpu: number, processor: Processor, returnTo: number, by: 'instruction' | 'outside'): void {
    const { vector } = processor;
    if (this.handlerOf(cpu, processor) !== NO_HANDLER) return this.enter(cpu, processor, vector, 0, 0, 0, returnTo);
    const code = (vector << GATE_SHIFT) | GATE_IN_IDT | (by === 'outside' ? FROM_OUTSIDE : 0);
    // An INT n without a gate is not done: its fault returns to itself.
    this.withoutHandler(cpu, processor, by === 'outside' ? returnTo : returnTo - 1, vector, code);
  }

  /** The running handler ends; a `STATUS`. */
  return(cpu: number, processor: Processor): number {
    const { stacks, privilege, bus } = this.parts;
    const stack = stacks[cpu]!;
    const status = privilege.leaveHandler(processor, stack.savedLevel, stack.savedFlags, stack.savedVector);
    if (status !== STATUS.done) return status;
    const fault = bus.on[KIND.iret] === 0 ? undefined : stack.faultOf(stack.base);
    stack.pop();
    if (fault !== undefined) {
      const record = bus.begin(KIND.iret, ACTOR.guest, cpu);
      setPairAt(record, field.gva.at, fault.lo, fault.hi);
      record[field.vector.at] = fault.vector;
      record[field.code.at] = fault.errorCode;
      bus.commit();
    }
    return status;
  }

  /** The handler gives the access up, and with it the statement of the `cpu` block; what it had called is left. */
  refuse(cpu: number, processor: Processor): void {
    const { stacks, bus, happenings, program, techniques, endings } = this.parts;
    const stack = stacks[cpu]!;
    const frame = stack.frames().find((each) => each.isHandler);
    if (frame === undefined) throw new Error('invariant: an access is refused outside of a handler');
    const { vector, lo, hi, errorCode: code } = stack.faultOf(frame.base);
    if (bus.on[KIND.access_refused]) {
      const record = bus.begin(KIND.access_refused, ACTOR.guest, cpu);
      setPairAt(record, field.gva.at, lo, hi);
      record[field.code.at] = code;
      bus.commit();
    }
    happenings[cpu]!.noteRefusal();
    processor.counters[COUNTER.refusals]!++;
    const statement = this.leaveToBlock(cpu, processor);
    const { refusedBelow } = program.statements[statement]!;
    const isExpected = refusedBelow.some((i) => appliesTo(program, program.expectations[i]!, techniques[cpu]!));
    if (!isExpected) endings.die(RUN.refused, cpu, vector, code, lo, hi);
  }

  /** Gives the statement of the `cpu` block up that runs: goes on behind it. Comes back with its number. */
  leaveToBlock(cpu: number, processor: Processor): number {
    const { stacks, statements, program, privilege } = this.parts;
    const stack = stacks[cpu]!;
    // A handler returns to the access, a procedure behind its call, which may be the statement's last instruction.
    let isBehind = false;
    while (stack.depth > 0) {
      isBehind = !stack.isHandlerAt(stack.base);
      if (!isBehind) privilege.leaveHandler(processor, stack.savedLevel, stack.savedFlags, stack.savedVector);
      stack.pop();
    }
    const statement = statements.at(isBehind ? stack.pc - 1 : stack.pc);
    const { end, user } = program.statements[statement]!;
    privilege.enter(processor, user ? USER_LEVEL : 0);
    stack.statement = statement;
    stack.pc = end;
    return statement;
  }

  /**
   * No handler is there for `vector`. For an interrupt that is a general-protection fault; a fault without a handler is a
   * double fault, and one more the end. SDM Vol. 3, "Interrupt 8—Double Fault Exception (#DF)".
   */
  private withoutHandler(cpu: number, processor: Processor, returnTo: number, vector: number, code: number): void {
    const { repeats, stacks, endings } = this.parts;
    const handlers = this.handlers[cpu]!;
    if (repeats[cpu]!.note(vector, code, 0, 0, returnTo, stacks[cpu]!.depth) >= FAULT_LIMIT) {
      return endings.die(RUN.handlerLoop, cpu, vector, code, 0, 0);
    }
    const { lo, hi } = informationOf(this.parts.memory, processor, vector, code);
    if (vector >= FIRST_INTERRUPT && handlers[EXCEPTION_VECTORS.general_protection] !== NO_HANDLER) {
      this.parts.happenings[cpu]!.noteFault(EXCEPTION_VECTORS.general_protection, code, 0, 0);
      return this.enter(cpu, processor, EXCEPTION_VECTORS.general_protection, code, 0, 0, returnTo);
    }
    if (vector !== EXCEPTION_VECTORS.double_fault && handlers[EXCEPTION_VECTORS.double_fault] !== NO_HANDLER) {
      this.parts.happenings[cpu]!.noteFault(EXCEPTION_VECTORS.double_fault, 0, 0, 0);
      return this.enter(cpu, processor, EXCEPTION_VECTORS.double_fault, 0, 0, 0, returnTo);
    }
    if (this.shutDown(cpu, processor, returnTo)) return;
    endings.die(RUN.tripleFault, cpu, vector, code, lo, hi);
  }

  /**
   * The procedure behind the vector that the processor has delivered. With `delivery memory` the table in guest memory says who
   * answers: its entry leads to where the handler of vector n is, wherever it stands.
   */
  private handlerOf(cpu: number, processor: Processor): number {
    const { vector, settings, isRealMode, registers, segments } = processor;
    const handlers = this.handlers[cpu]!;
    if (settings.delivery !== 'memory') return handlers[vector]!;
    const rip = registers[2 * REGISTER.rip]!;
    if (isRealMode) return handlers[(segments.baseLo(SEGMENT.cs) + rip - REAL_HANDLERS.at) / REAL_HANDLERS.bytes] ?? NO_HANDLER;
    const { lo, hi } = this.handlerPages[cpu]!;
    if (registers[2 * REGISTER.rip + 1] !== hi) return NO_HANDLER;
    return handlers[(rip - lo >>> 0) / HANDLER_BYTES] ?? NO_HANDLER;
  }

  private enter(
    cpu: number, processor: Processor, vector: number, code: number, lo: number, hi: number, returnTo: number,
  ): void {
    const { stacks, program, endings, privilege } = this.parts;
    const stack = stacks[cpu]!;
    const own = vector === processor.vector ? this.handlerOf(cpu, processor) : NO_HANDLER;
    const number = own === NO_HANDLER ? this.handlers[cpu]![vector]! : own;
    const procedure = program.procedures[number]!;
    if (!stack.hasRoom(procedure.registers)) return endings.die(RUN.callsTooDeep, cpu, vector, code, lo, hi);
    const base = stack.push(number, procedure.entry, procedure.registers, returnTo, 0);
    const flags = processor.guest.flags;
    stack.markHandler(vector, processor.level, flags, code, lo, hi);
    privilege.enterHandler(processor);
    const { words } = stack;
    switch (vector) {
      case EXCEPTION_VECTORS.page_fault:
      case EXCEPTION_VECTORS.virtualization_exception:
        setPairAt(words, base, lo, hi);
        setPairAt(words, base + 2, code, 0);
        return;
      case EXCEPTION_VECTORS.general_protection:
      case EXCEPTION_VECTORS.double_fault: setPairAt(words, base, code, 0); return;
      default:
    }
  }
}

function vectorTable({ exceptions, interrupts }: Handlers): Int32Array {
  const table = new Int32Array(VECTORS).fill(NO_HANDLER);
  for (const [name, vector] of Object.entries(EXCEPTION_VECTORS)) table[vector] = exceptions[name as keyof typeof EXCEPTION_VECTORS] ?? NO_HANDLER;
  for (const [vector, procedure] of interrupts) table[vector] = procedure;
  return table;
}

/** What a handler is told of a fault: an address, and an error code or what stands in its place. */
interface FaultInformation {
  readonly lo: number;
  readonly hi: number;
  readonly code: number;
}

/** CR2 and the error code; of a virtualization exception the guest-physical address and the exit qualification in its information area. */
function informationOf(memory: PhysicalMemory, processor: Processor, vector: number, code: number): FaultInformation {
  if (vector === EXCEPTION_VECTORS.virtualization_exception) {
    const at = processor.vmcs[VMCS.virtualization_exception_information_address]!;
    const hi = processor.vmcs[VMCS.virtualization_exception_information_address + 1]!;
    return { lo: memory.load32(at + VE.physicalAddress, hi), hi: memory.load32(at + VE.physicalAddress + 4, hi), code: memory.load32(at + VE.qualification, hi) };
  }
  return vector === EXCEPTION_VECTORS.page_fault ? { lo: processor.cr2Lo, hi: processor.cr2Hi, code } : { lo: 0, hi: 0, code };
}
