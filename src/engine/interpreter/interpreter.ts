import { COUNTER } from '../../hardware/state/counters';
import type { EventBus } from '../../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import { STATUS, type Processor } from '../../hardware/processor/processor';
import type { Registry } from '../../hardware/state/registry';
import { INSTRUCTION_WORDS, MEET, OP, SEGMENT_SELECTORS_AT, type Program } from '../../language/program';
import { isZero, setNumberAt, setPairAt } from '../arithmetic';
import { Boot } from './boot';
import { Deaths } from './deaths';
import { Endings } from './endings';
import { FaultRepeats } from './faultRepeats';
import { guestInstructions, type InstructionSite } from './guestInstructions';
import { GuestStack } from './guestStack';
import { GuestSwitch } from './guestSwitch';
import { HandlerCalls } from './handlerCalls';
import { Happenings } from './happenings';
import { Holds } from '../schedule/holds';
import { InstructionBoundaries, isGuestInstruction } from './instructionBoundaries';
import type { InterpretedMachine } from './interpretedMachine';
import { isUnder } from './judge';
import { Judging } from './judging';
import { Meetings } from '../schedule/meetings';
import { NumberTables } from './numberTable';
import { printText } from './printValue';
import type { PrivilegeSwitch } from './privilegeSwitch';
import type { ProcessTable } from '../machine/processTable';
import type { Questions } from '../questions/questions';
import { chancesOf, type Randomness } from '../schedule/randomness';
import { RUN, RunState } from './runState';
import { ACTOR_STATE, ATTENTION_TO, NOBODY, Scheduler } from '../schedule/scheduler';
import { StatementIndex } from './statementIndex';
import { COMPUTED, compute } from '../questions/values';

/**
 * Runs the compiled scenario, one instruction at a time, on the machine's processors. All of its
 * state is in the registry: this object can be thrown away and made again between two steps.
 */
export class Interpreter {
  /** By actor: the CPUs, then the host threads. */
  readonly stacks: readonly GuestStack[];
  readonly happenings: readonly Happenings[];
  readonly run: RunState;
  readonly globals: Int32Array;
  readonly processes: ProcessTable;
  /** VMs that cannot go on while others do. */
  readonly deaths: Deaths;
  readonly tables: NumberTables;
  readonly scheduler: Scheduler;
  readonly holds: Holds;
  /** Which statement an instruction belongs to. */
  readonly statements: StatementIndex;
  readonly judging: Judging;
  /** Hears of each barrier at which all have met. */
  met: (meeting: number) => void = () => undefined;
  private readonly code: Int32Array;
  readonly meetings: Meetings;
  private readonly calls: HandlerCalls;
  private readonly boundaries: InstructionBoundaries;
  private readonly boot: Boot;
  private readonly endings: Endings;
  private readonly guests: GuestSwitch;
  readonly repeats: readonly FaultRepeats[];
  private readonly site: InstructionSite;
  private readonly chances: readonly Randomness[];
  private readonly processors: readonly Processor[];
  private readonly questions: Questions;
  private readonly bus: EventBus;
  readonly privilege: PrivilegeSwitch;
  private readonly isCrowded: boolean;
  /** 1: what the step did may keep its actor from running on. */
  private mayWait = 0;

  constructor(registry: Registry, readonly program: Program, private readonly machine: InterpretedMachine) {
    const { techniques, processors, questions, bus, privilege, memory, processes } = machine;
    this.processors = processors;
    this.questions = questions;
    this.bus = bus;
    this.privilege = privilege;
    this.code = program.code;
    this.isCrowded = program.actors.length > 1;
    const statements = new StatementIndex(program);
    const run = new RunState(registry);
    const stacks = program.actors.map((_, actor) => new GuestStack(registry, actor));
    const happenings = program.actors.map((_, actor) => new Happenings(registry, actor));
    this.statements = statements;
    this.run = run;
    this.stacks = stacks;
    this.happenings = happenings;
    this.repeats = processors.map((_, cpu) => new FaultRepeats(registry, cpu));
    this.globals = registry.block('globals', 2 * program.globals.length);
    this.processes = processes;
    this.deaths = new Deaths(registry, program.vms.length);
    this.tables = new NumberTables(registry);
    this.judging = new Judging(program, run, questions, bus);
    this.meetings = new Meetings(registry, program, this.deaths);
    this.scheduler = new Scheduler(registry, program, processors, stacks, this.meetings);
    this.holds = new Holds(registry, bus, program.actors.length);
    this.boot = new Boot(program, this.scheduler, this.deaths);
    this.endings = new Endings({
      program, techniques, bus, processors, stacks, happenings, statements, run, deaths: this.deaths, meetings: this.meetings, hasTripleFaulted: machine.hasTripleFaulted,
    });
    this.calls = new HandlerCalls({
      program, techniques, bus, memory, stacks, happenings, repeats: this.repeats, statements, endings: this.endings, privilege,
    });
    const parts = { program, processors, stacks, scheduler: this.scheduler, calls: this.calls, endings: this.endings };
    this.guests = new GuestSwitch({ ...parts, nesting: machine.nesting });
    this.boundaries = new InstructionBoundaries({ ...parts, globals: this.globals, guests: this.guests });
    this.meetings.scheduler = this.scheduler;
    this.holds.scheduler = this.scheduler;
    this.holds.counterOf = (actor) => this.stacks[actor]!;
    this.endings.scheduler = this.scheduler;
    this.endings.calls = this.calls;
    this.endings.met = (meeting) => { this.met(meeting); };
    this.endings.buried = (cpu) => { this.finishBoot(cpu); };
    this.chances = chancesOf(registry, program);
    this.site = { processor: processors[0]!, words: stacks[0]!.words, at: 0, chance: this.chances[0]!, lo: 0, hi: 0, regionOf: (vm, cpu) => machine.nesting.regionOf(vm, cpu) };
  }

  /** Hears what the scenario says. */
  set say(say: Judging['say']) { this.judging.say = say; }
  /** Hears of each expectation as it is judged. */
  set judged(judged: Judging['judged']) { this.judging.judged = judged; }

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
    this.program.actors.forEach(({ procedure }, actor) => {
      const block = this.program.procedures[procedure]!;
      this.stacks[actor]!.start(procedure, block.entry, block.registers);
    });
    this.boot.start();
    this.guests.start();
  }

  /** The hypervisor cannot enter the guest: the run is over before its first statement. */
  stopAtLaunch(cpu: number): void {
    this.endings.die(RUN.hypervisorStopped, cpu, 0, 0, 0, 0);
  }

  /** True when the instruction that `cpu` runs next begins a statement. */
  isAtStatement(cpu: number): boolean {
    return this.code[this.stacks[cpu]!.pc * INSTRUCTION_WORDS] === OP.statement;
  }

  /** The statement that begins there. */
  statementAhead(cpu: number): number {
    return this.code[this.stacks[cpu]!.pc * INSTRUCTION_WORDS + 1]!;
  }

  /**
   * Does one step of the actor whose turn it is: one instruction, an interrupt that comes before it, or what was left of a
   * held access. The run must be running.
   */
  step(): void {
    const actor = this.scheduler.current;
    if (this.scheduler.attention[0] === 0) this.execute(actor);
    else this.stepAttentively(actor);
    if (this.isCrowded || this.mayWait !== 0) this.advance();
  }

  /** Executes one instruction of `cpu`, which may be a host thread. */
  private execute(cpu: number): void {
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
      case OP.jumpUnlessTechnique: if (!isUnder(this.program, a, this.machine.techniques[cpu]!)) stack.pc = b; break;

      case OP.globalGet: setPairAt(words, ra, this.globals[2 * b]!, this.globals[2 * b + 1]!); break;
      case OP.globalSet: setPairAt(this.globals, 2 * a, words[rb]!, words[rb + 1]!); break;
      case OP.tableGet:
        this.tables.get(b, words[rc]!, words[rc + 1]!);
        setPairAt(words, ra, this.tables.valueLo, this.tables.valueHi);
        break;
      case OP.tableSet: this.tables.set(a, words[rb]!, words[rb + 1]!, words[rc]!, words[rc + 1]!); break;
      case OP.tableGetOf:
        this.tables.get(words[rb]!, words[rc]!, words[rc + 1]!);
        setPairAt(words, ra, this.tables.valueLo, this.tables.valueHi);
        break;
      case OP.tableSetOf: this.tables.set(words[ra]!, words[rb]!, words[rb + 1]!, words[rc]!, words[rc + 1]!); break;
      case OP.tableNext: {
        const isThere = this.tables.next(words[rc]!, words[rb]!, words[rb + 1]!);
        if (isThere) setPairAt(words, rb, this.tables.valueLo, this.tables.valueHi);
        setPairAt(words, ra, isThere ? 1 : 0, 0);
        break;
      }
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
        if (b >= SEGMENT_SELECTORS_AT) {
          setPairAt(words, ra, processor.segments.selector(b - SEGMENT_SELECTORS_AT), 0);
          break;
        }
        this.afterInstruction(cpu, stack, processor, pc, processor.readRegister(b));
        if (stack.pc === pc + 1 && stack.base === base) setPairAt(words, ra, processor.valueLo, processor.valueHi);
        break;
      case OP.registerSet:
        this.afterInstruction(cpu, stack, processor, pc, a >= SEGMENT_SELECTORS_AT
          ? processor.loadSegment(a - SEGMENT_SELECTORS_AT, words[rb]! & 0xffff) : processor.writeRegister(a, words[rb]!, words[rb + 1]!));
        break;
      case OP.peekRegister:
        this.questions.register(cpu, b);
        setPairAt(words, ra, this.questions.valueLo, this.questions.valueHi);
        break;
      case OP.invlpg: this.afterInstruction(cpu, stack, processor, pc, processor.invlpg(words[ra]!, words[ra + 1]!)); break;
      case OP.segmentLimit: this.afterInstruction(cpu, stack, processor, pc, processor.checkLimit(c, words[ra]!, words[ra + 1]!, b)); break;
      case OP.stac: this.afterInstruction(cpu, stack, processor, pc, processor.setAlignmentCheck('set')); break;
      case OP.clac: this.afterInstruction(cpu, stack, processor, pc, processor.setAlignmentCheck('clear')); break;
      case OP.enterLevel:
        setPairAt(words, ra, processor.level, 0);
        this.privilege.enter(processor, b);
        break;
      case OP.leaveLevel: this.privilege.enter(processor, words[ra]!); break;
      case OP.instruction: this.instruct(cpu, stack, processor, pc, a, rb, rc); break;

      case OP.call: this.call(cpu, stack, a, rb, c, pc + 1); break;
      case OP.return: stack.leave(words[ra]!, words[ra + 1]!); break;
      case OP.iret: this.afterInstruction(cpu, stack, processor, pc, this.calls.return(cpu, processor)); break;
      case OP.refuse: this.calls.refuse(cpu, processor); break;
      case OP.end:
        stack.pc = pc;
        if (this.machine.nesting.of(cpu) === undefined) this.scheduler.wait(cpu, ACTOR_STATE.ended, 0, 0);
        else this.afterInstruction(cpu, stack, processor, pc, processor.hlt());
        this.mayWait = 1;
        break;
      case OP.meet: this.meet(cpu, stack, pc, a, b); break;
      case OP.hold: this.holds.arm(cpu, a, b, c, stack.depth); break;
      case OP.hostAction: this.actForHost(cpu, stack, a, rb, rc); break;

      case OP.query: this.questions.ask(cpu, b, words, ra, words[rc]!, words[rc + 1]!); break;
      case OP.peek: this.judging.peek(cpu, words, ra, words[rb]!, words[rb + 1]!, c); break;
      case OP.queryOf:
        this.questions.askIn(words[rc + 2]!, () => this.questions.ask(cpu, b, words, ra, words[rc]!, words[rc + 1]!));
        break;
      case OP.peekOf:
        this.questions.askIn(words[rb + 2]!, () => this.judging.peek(cpu, words, ra, words[rb]!, words[rb + 1]!, c));
        break;
      case OP.counter: setNumberAt(words, ra, this.questions.counter(cpu, b, c)); break;
      case OP.mark: setNumberAt(words, ra, this.happenings[cpu]!.count(b)); break;
      case OP.vmcsGet: this.afterInstruction(cpu, stack, processor, pc, c === 0 ? this.guests.read(processor, b, words, ra) : this.guests.look(cpu, b, words, ra)); break;
      case OP.vmcsSet: this.afterInstruction(cpu, stack, processor, pc, this.guests.write(processor, a, words[rb]!, words[rb + 1]!)); break;
      case OP.expect: this.judging.judge(cpu, stack, this.happenings[cpu]!, a); break;
      case OP.print: this.judging.say('print', printText(this.program.prints[a]!, words, base), stack.statement); break;
      case OP.startCounting: this.finishBoot(cpu); break;
      default: {
        const computed = compute(operation, words, ra, rb, rc);
        if (computed === COMPUTED.divideByZero) this.endings.die(RUN.divideByZero, cpu, 0, 0, 0, 0);
        else if (computed === COMPUTED.notMine) {
          throw new Error(`invariant: operation ${operation} at instruction ${pc} is not one of the interpreter's`);
        }
      }
    }
    this.run.step++;
  }

  /** Where an interrupt may come first, or the step may have to stop inside itself. */
  private stepAttentively(actor: number): void {
    const { scheduler, holds, run } = this;
    if (scheduler.state(actor) === ACTOR_STATE.released) return holds.resume(actor, () => this.execute(actor), run.step);
    if ((scheduler.attention[0]! & ATTENTION_TO.interrupts) !== 0 && this.boundaries.takesPending(actor)) {
      run.step++;
      return;
    }
    if (!holds.isArmed(actor)) return this.execute(actor);
    if (holds.run(actor, () => this.execute(actor))) run.step++;
  }

  /** Decides who runs next; where nobody can, the run is over. */
  advance(): void {
    this.mayWait = 0;
    const { scheduler, code, run } = this;
    if (run.status !== RUN.running) return;
    const { pc } = this.stacks[scheduler.current]!;
    const operation = code[pc * INSTRUCTION_WORDS]!;
    if (scheduler.advance(this.boundaries.isBeforeStatement(pc), isGuestInstruction[operation]!) !== NOBODY) return scheduler.isAloneAgain ? this.boundaries.endIdleLoop() : undefined;
    if (this.program.actors.every((_, actor) => this.boundaries.hasEnded(actor))) run.end();
    else this.endings.die(RUN.deadlock, scheduler.current, 0, 0, 0, 0);
  }

  private beginStatement(cpu: number, stack: GuestStack, processor: Processor | undefined, statement: number): void {
    stack.statement = statement;
    const { isExpect } = this.program.statements[statement]!;
    if (!isExpect) {
      if (processor !== undefined) processor.counters[COUNTER.statements]!++;
      this.scheduler.countStatement();
    }
    if ((this.scheduler.attention[0]! & ATTENTION_TO.holds) !== 0) this.holds.noteStatement(cpu, stack.depth);
    if (this.bus.on[KIND.statement]) {
      const record = this.bus.begin(KIND.statement, processor === undefined ? ACTOR.host : ACTOR.guest, processor?.cpu ?? cpu);
      record[field.index.at] = statement;
      this.bus.commit();
    }
  }

  afterAccess(cpu: number, stack: GuestStack, processor: Processor, pc: number, status: number): void {
    this.run.noteAccess(this.run.step, this.statements.at(pc), cpu);
    if (status === STATUS.done) this.repeats[cpu]!.noteCompleted(pc, stack.depth);
    else this.afterInstruction(cpu, stack, processor, pc, status);
  }

  /** Deals with what an instruction came to: an exception enters the guest's handler, at the same instruction. */
  private afterInstruction(cpu: number, stack: GuestStack, processor: Processor, pc: number, status: number): void {
    if (status === STATUS.done) return;
    stack.pc = pc;
    if (status === STATUS.stopped) this.endings.stop(cpu);
    else if (!this.guests.follow(cpu, processor, status)) this.calls.fault(cpu, processor, pc);
  }

  /** One of the language's table of instructions. */
  private instruct(cpu: number, stack: GuestStack, processor: Processor, pc: number, row: number, operands: number, result: number): void {
    const instruction = guestInstructions[row];
    if (instruction === undefined) throw new Error(`invariant: instruction ${row} was let through, and nothing does it`);
    const { site } = this;
    site.processor = processor;
    site.words = stack.words;
    site.at = operands;
    site.chance = this.chances[cpu]!;
    site.lo = 0;
    site.hi = 0;
    const { aftermath, isAccess } = instruction;
    if (aftermath === 'enters a guest') return this.afterInstruction(cpu, stack, processor, pc, this.guests.enter(cpu, processor, instruction.name, stack.words, operands, result));
    if (aftermath === 'leaves the handler') return this.afterInstruction(cpu, stack, processor, pc, this.calls.return(cpu, processor));
    const status = instruction.execute(site);
    this.mayWait = 1;
    if (aftermath === 'may let interrupts in') this.scheduler.attention[0]! |= ATTENTION_TO.interrupts;
    // INT n may fault itself, and then is not done: SDM Vol. 3, "Software-Generated Exceptions".
    if (aftermath === 'raises a trap' && status === STATUS.exception && processor.vector === (stack.words[operands]! & 0xff)) this.calls.interrupt(cpu, processor, pc + 1, 'instruction');
    else if (isAccess) this.afterAccess(cpu, stack, processor, pc, status);
    else this.afterInstruction(cpu, stack, processor, pc, status);
    if (status === STATUS.done) setPairAt(stack.words, result, site.lo, site.hi);
  }

  private meet(actor: number, stack: GuestStack, pc: number, action: number, meeting: number): void {
    const came = this.meetings.meet(actor, action, meeting);
    if (came === 'waits') stack.pc = pc;
    if (came === 'all have met') this.met(meeting);
    this.mayWait = 1;
    if (action === MEET.release) this.scheduler.attention[0]! |= ATTENTION_TO.holds;
  }

  private actForHost(actor: number, stack: GuestStack, row: number, operands: number, result: number): void {
    const { hostActions } = this.machine;
    const refusal = hostActions.act(row, actor, stack.words, operands, result);
    if (refusal !== 0) this.endings.die(RUN.hostActionRefused, actor, 0, refusal, hostActions.aboutLo, hostActions.aboutHi);
  }

  private call(cpu: number, stack: GuestStack, callee: number, firstArgument: number, result: number, returnTo: number): void {
    const procedure = this.program.procedures[callee]!;
    if (!stack.hasRoom(procedure.registers)) return this.endings.die(RUN.callsTooDeep, cpu, 0, 0, 0, 0);
    const base = stack.push(callee, procedure.entry, procedure.registers, returnTo, result);
    for (let i = 0; i < 2 * procedure.parameters.length; i++) stack.words[base + i] = stack.words[firstArgument + i]!;
  }

  /** The VM of `cpu` has booted, or died of it: after the last one the counters begin, and all may run. */
  private finishBoot(cpu: number): void {
    if (this.run.isCounting || !this.boot.isOver(cpu)) return;
    this.run.startCounting();
    for (const processor of this.processors) processor.counters.fill(0);
  }
}
