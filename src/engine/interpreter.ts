import { COUNTER } from '../hardware/state/counters';
import type { EventBus } from '../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../hardware/events/eventTable';
import { STATUS, type Processor } from '../hardware/processor/processor';
import type { Registry } from '../hardware/state/registry';
import { INSTRUCTION_WORDS, OP, type Program } from '../language/program';
import { isZero, setNumberAt, setPairAt } from './arithmetic';
import { GuestStack } from './guestStack';
import { Happenings } from './happenings';
import { appliesTo, emitFailure, judge } from './judge';
import { NumberTables } from './numberTable';
import { printText } from './printValue';
import { ProcessTable } from './processTable';
import type { Questions } from './questions';
import { RUN, RunState } from './runState';
import { StatementIndex } from './statementIndex';
import { COMPUTED, compute } from './values';

/** CPL of user mode. */
const USER_LEVEL = 3;
/** Equal faults of one access in a row after which the handler is held to repair nothing. */
const FAULT_LIMIT = 1000;

/** What the scenario says while it runs; the caller decides whether it has been said before. */
export type Say = (category: 'print' | 'failure', text: string, statement: number) => void;

/** Hears of each expectation (an index into `Program.expectations`) as it is judged. */
export type Judged = (expectation: number, verdict: 'held' | 'failed') => void;

/**
 * Runs the compiled scenario, one instruction at a time, on the machine's processors. All of its
 * state is in the registry: this object can be thrown away and made again between two steps.
 */
export class Interpreter {
  readonly stacks: readonly GuestStack[];
  readonly happenings: readonly Happenings[];
  readonly run: RunState;
  readonly globals: Int32Array;
  readonly processes: ProcessTable;
  readonly tables: NumberTables;
  /** Which statement an instruction belongs to. */
  readonly statements: StatementIndex;
  say: Say = () => undefined;
  judged: Judged = () => undefined;
  private readonly code: Int32Array;

  constructor(
    registry: Registry,
    readonly program: Program,
    readonly technique: string,
    private readonly processors: readonly Processor[],
    private readonly questions: Questions,
    private readonly bus: EventBus,
  ) {
    this.code = program.code;
    this.statements = new StatementIndex(program);
    this.run = new RunState(registry);
    this.stacks = program.cpus.map((_, cpu) => new GuestStack(registry, cpu));
    this.happenings = program.cpus.map((_, cpu) => new Happenings(registry, cpu));
    this.globals = registry.block('globals', 2 * program.globals.length);
    this.processes = new ProcessTable(registry, program.processes.length);
    this.tables = new NumberTables(registry);
  }

  /** Puts the program at its start. */
  start(): void {
    this.program.globals.forEach((global, i) => {
      setPairAt(this.globals, 2 * i, Number(global.value & 0xffffffffn), Number(global.value >> 32n));
    });
    this.program.tables.forEach((table, i) => {
      for (const [key, value] of table.values) {
        this.tables.set(i, Number(key & 0xffffffffn) | 0, Number(key >> 32n) | 0, Number(value & 0xffffffffn) | 0, Number(value >> 32n) | 0);
      }
    });
    this.program.cpus.forEach((procedure, cpu) => {
      const block = this.program.procedures[procedure]!;
      this.stacks[cpu]!.start(procedure, block.entry, block.registers);
    });
  }

  /** The hypervisor cannot enter the guest: the run is over before its first statement. */
  stopAtLaunch(cpu: number): void {
    this.die(RUN.hypervisorStopped, cpu);
  }

  /** True when the instruction that `cpu` runs next begins a statement. */
  isAtStatement(cpu: number): boolean {
    return this.code[this.stacks[cpu]!.pc * INSTRUCTION_WORDS] === OP.statement;
  }

  /** The statement that begins there. */
  statementAhead(cpu: number): number {
    return this.code[this.stacks[cpu]!.pc * INSTRUCTION_WORDS + 1]!;
  }

  /** Executes one instruction of `cpu`. The run must be running. */
  step(cpu: number): void {
    const stack = this.stacks[cpu]!;
    const pc = stack.pc;
    const at = pc * INSTRUCTION_WORDS;
    const code = this.code;
    const a = code[at + 1]!;
    const b = code[at + 2]!;
    const c = code[at + 3]!;
    const words = stack.words;
    const base = stack.base;
    const ra = base + 2 * a;
    const rb = base + 2 * b;
    const rc = base + 2 * c;
    const processor = this.processors[cpu]!;
    stack.pc = pc + 1;

    const operation = code[at]!;
    switch (operation) {
      case OP.statement: this.beginStatement(cpu, stack, processor, a); break;
      case OP.constant: setPairAt(words, ra, this.program.constants[2 * b]!, this.program.constants[2 * b + 1]!); break;
      case OP.jump: stack.pc = a; break;
      case OP.jumpIf: if (!isZero(words, ra)) stack.pc = b; break;
      case OP.jumpUnless: if (isZero(words, ra)) stack.pc = b; break;
      case OP.jumpUnlessTechnique: if (!this.program.techniqueSets[a]!.includes(this.technique)) stack.pc = b; break;

      case OP.globalGet: setPairAt(words, ra, this.globals[2 * b]!, this.globals[2 * b + 1]!); break;
      case OP.globalSet: setPairAt(this.globals, 2 * a, words[rb]!, words[rb + 1]!); break;
      case OP.tableGet:
        this.tables.get(b, words[rc]!, words[rc + 1]!);
        setPairAt(words, ra, this.tables.valueLo, this.tables.valueHi);
        break;
      case OP.tableSet: this.tables.set(a, words[rb]!, words[rb + 1]!, words[rc]!, words[rc + 1]!); break;
      case OP.processGet: this.processes.get(words[rc]!, b, words, ra); break;
      case OP.processSet: this.processes.set(words[rb]!, a, words[rc]!, words[rc + 1]!); break;

      case OP.load:
        this.afterAccess(cpu, stack, processor, pc, processor.load(words[rb]!, words[rb + 1]!, c));
        if (stack.pc === pc + 1 && stack.base === base) setPairAt(words, ra, processor.valueLo, processor.valueHi);
        break;
      case OP.store:
        this.afterAccess(cpu, stack, processor, pc, processor.store(words[ra]!, words[ra + 1]!, c, words[rb]!, words[rb + 1]!));
        break;
      case OP.readModifyWrite:
        this.afterAccess(cpu, stack, processor, pc,
          processor.readModifyWrite(words[ra]!, words[ra + 1]!, c & 0xff, c >> 8, words[rb]!, words[rb + 1]!));
        break;
      case OP.fetch: this.afterAccess(cpu, stack, processor, pc, processor.fetch(words[ra]!, words[ra + 1]!)); break;

      case OP.registerGet:
        this.afterInstruction(cpu, stack, processor, pc, processor.readRegister(b));
        if (stack.pc === pc + 1 && stack.base === base) setPairAt(words, ra, processor.valueLo, processor.valueHi);
        break;
      case OP.registerSet: this.afterInstruction(cpu, stack, processor, pc, processor.writeRegister(a, words[rb]!, words[rb + 1]!)); break;
      case OP.peekRegister:
        this.questions.register(cpu, b);
        setPairAt(words, ra, this.questions.valueLo, this.questions.valueHi);
        break;
      case OP.invlpg: this.afterInstruction(cpu, stack, processor, pc, processor.invlpg(words[ra]!, words[ra + 1]!)); break;
      case OP.stac: this.afterInstruction(cpu, stack, processor, pc, processor.setAlignmentCheck('set')); break;
      case OP.clac: this.afterInstruction(cpu, stack, processor, pc, processor.setAlignmentCheck('clear')); break;
      case OP.enterLevel:
        setPairAt(words, ra, processor.level, 0);
        processor.setLevel(b);
        break;
      case OP.leaveLevel: processor.setLevel(words[ra]!); break;

      case OP.call: this.call(cpu, stack, a, rb, c, pc + 1); break;
      case OP.return: this.leave(stack, words[ra]!, words[ra + 1]!); break;
      case OP.iret: this.interruptReturn(cpu, stack, processor); break;
      case OP.refuse: this.refuse(cpu, stack, processor); break;
      case OP.end: this.run.end(); break;

      case OP.query: this.questions.ask(cpu, b, words, ra, words[rc]!, words[rc + 1]!); break;
      case OP.peek: this.peek(cpu, words, ra, words[rb]!, words[rb + 1]!, c); break;
      case OP.counter: setNumberAt(words, ra, this.questions.counter(cpu, b, c)); break;
      case OP.mark: setNumberAt(words, ra, this.happenings[cpu]!.count(b)); break;
      case OP.expect: this.judge(cpu, stack, a); break;
      case OP.print: this.say('print', printText(this.program.prints[a]!, words, base), stack.statement); break;
      case OP.startCounting: this.startCounting(); break;
      default: {
        const computed = compute(operation, words, ra, rb, rc);
        if (computed === COMPUTED.divideByZero) this.die(RUN.divideByZero, cpu);
        else if (computed === COMPUTED.notMine) {
          throw new Error(`invariant: operation ${operation} at instruction ${pc} is not one of the interpreter's`);
        }
      }
    }
    this.run.step++;
  }

  private beginStatement(cpu: number, stack: GuestStack, processor: Processor, statement: number): void {
    stack.statement = statement;
    const isExpect = this.program.statements[statement]!.isExpect;
    if (!isExpect) processor.counters[COUNTER.statements]!++;
    if (this.bus.on[KIND.statement]) {
      const record = this.bus.begin(KIND.statement, ACTOR.guest, cpu);
      record[field.index.at] = statement;
      this.bus.commit();
    }
  }

  private afterAccess(cpu: number, stack: GuestStack, processor: Processor, pc: number, status: number): void {
    this.run.noteAccess(this.statements.at(pc));
    if (status === STATUS.done) this.run.noteCompleted(pc, stack.depth);
    else this.afterInstruction(cpu, stack, processor, pc, status);
  }

  /** Deals with what an instruction came to: an exception enters the guest's handler, at the same instruction. */
  private afterInstruction(cpu: number, stack: GuestStack, processor: Processor, pc: number, status: number): void {
    if (status === STATUS.done) return;
    stack.pc = pc;
    if (status === STATUS.stopped) return this.die(RUN.hypervisorStopped, cpu);
    const { vector, errorCode } = processor;
    const cr2 = processor.cr2Lo;
    const cr2Hi = processor.cr2Hi;
    const handler = this.program.pageFaultHandler;
    if (vector !== 14 || handler < 0) return this.dieOf(RUN.tripleFault, cpu, vector, errorCode, cr2, cr2Hi);
    this.happenings[cpu]!.noteFault(errorCode, cr2, cr2Hi);
    if (this.run.noteFault(errorCode, cr2, cr2Hi, pc, stack.depth) >= FAULT_LIMIT) {
      return this.dieOf(RUN.handlerLoop, cpu, vector, errorCode, cr2, cr2Hi);
    }
    const procedure = this.program.procedures[handler]!;
    if (!stack.hasRoom(procedure.registers)) return this.die(RUN.callsTooDeep, cpu);
    const base = stack.push(handler, procedure.entry, procedure.registers, pc, 0);
    stack.markHandler(processor.level, errorCode, cr2, cr2Hi);
    processor.setLevel(0);
    setPairAt(stack.words, base, cr2, cr2Hi);
    setPairAt(stack.words, base + 2, errorCode, 0);
  }

  private call(cpu: number, stack: GuestStack, callee: number, firstArgument: number, result: number, returnTo: number): void {
    const procedure = this.program.procedures[callee]!;
    if (!stack.hasRoom(procedure.registers)) return this.die(RUN.callsTooDeep, cpu);
    const base = stack.push(callee, procedure.entry, procedure.registers, returnTo, result);
    for (let i = 0; i < 2 * procedure.parameters.length; i++) stack.words[base + i] = stack.words[firstArgument + i]!;
  }

  private leave(stack: GuestStack, lo: number, hi: number): void {
    const result = stack.resultRegister;
    stack.pop();
    setPairAt(stack.words, stack.base + 2 * result, lo, hi);
  }

  private interruptReturn(cpu: number, stack: GuestStack, processor: Processor): void {
    processor.setLevel(stack.savedLevel);
    stack.pop();
    if (this.bus.on[KIND.iret]) {
      this.bus.begin(KIND.iret, ACTOR.guest, cpu);
      this.bus.commit();
    }
  }

  /** The handler gives the access up, and with it the statement of the `cpu` block; what it had called is left. */
  private refuse(cpu: number, stack: GuestStack, processor: Processor): void {
    const frame = stack.frames().find((each) => each.isHandler);
    if (frame === undefined) throw new Error('invariant: an access is refused outside of a handler');
    const { lo, hi, errorCode: code } = stack.faultOf(frame.base);
    if (this.bus.on[KIND.access_refused]) {
      const record = this.bus.begin(KIND.access_refused, ACTOR.guest, cpu);
      setPairAt(record, field.gva.at, lo, hi);
      record[field.code.at] = code;
      this.bus.commit();
    }
    this.happenings[cpu]!.noteRefusal();
    processor.counters[COUNTER.refusals]!++;
    // A handler returns to the access, a procedure behind its call, which may be the statement's last instruction.
    let isBehind = false;
    while (stack.depth > 0) {
      isBehind = !stack.isHandlerAt(stack.base);
      stack.pop();
    }
    const statement = this.statements.at(isBehind ? stack.pc - 1 : stack.pc);
    const { refusedBelow, end, user } = this.program.statements[statement]!;
    processor.setLevel(user ? USER_LEVEL : 0);
    const isExpected = refusedBelow.some((i) => appliesTo(this.program, this.program.expectations[i]!, this.technique));
    stack.statement = statement;
    stack.pc = end;
    if (!isExpected) this.dieOf(RUN.refused, cpu, 14, code, lo, hi);
  }

  private judge(cpu: number, stack: GuestStack, index: number): void {
    const expectation = this.program.expectations[index]!;
    const found = judge(expectation.claim, {
      words: stack.words,
      base: stack.base,
      happenings: this.happenings[cpu]!,
      unmapped: this.takeUnmapped(),
    });
    this.run.judge(found === undefined);
    this.judged(index, found === undefined ? 'held' : 'failed');
    if (found === undefined) return;
    this.say('failure', `expect ${expectation.text} fails: ${found}`, expectation.statement);
    emitFailure(this.bus, cpu, index);
  }

  private peek(cpu: number, words: Int32Array, to: number, lo: number, hi: number, size: number): void {
    const { questions } = this;
    if (!questions.peek(cpu, lo, hi, size)) this.run.noteUnmapped(questions.endLevel, lo, hi);
    setPairAt(words, to, questions.valueLo, questions.valueHi);
  }

  /** Why a load in the claim that is being judged found nothing, as a sentence. */
  private takeUnmapped(): string | undefined {
    const unmapped = this.run.takeUnmapped();
    return unmapped === undefined ? undefined : this.questions.unmappedText(unmapped.level, unmapped.lo, unmapped.hi);
  }

  private startCounting(): void {
    this.run.startCounting();
    for (const processor of this.processors) processor.counters.fill(0);
  }

  private die(status: number, cpu: number): void {
    this.dieOf(status, cpu, 0, 0, 0, 0);
  }

  private dieOf(status: number, cpu: number, vector: number, code: number, lo: number, hi: number): void {
    if (status === RUN.tripleFault && this.bus.on[KIND.triple_fault]) {
      const record = this.bus.begin(KIND.triple_fault, ACTOR.guest, cpu);
      setPairAt(record, field.gva.at, lo, hi);
      record[field.vector.at] = vector;
      record[field.code.at] = code;
      this.bus.commit();
    }
    this.run.die(status, cpu, this.stacks[cpu]!.statement, vector, code, lo, hi);
  }
}
