import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import type { EventBus } from '../../hardware/events/eventBus';
import type { Processor } from '../../hardware/processor/processor';
import { ACTIVITY, REGISTER } from '../../hardware/processor/registers';
import { stopCauses, type Program, type StopCause } from '../../language/program';
import { setPairAt } from '../arithmetic';
import type { GuestStack } from './guestStack';
import type { Death, Deaths } from './deaths';
import type { HandlerCalls } from './handlerCalls';
import type { Happenings } from './happenings';
import { appliesTo } from './judge';
import type { Meetings } from '../schedule/meetings';
import { RUN, type RunState } from './runState';
import type { StatementIndex } from './statementIndex';
import { ACTOR_STATE, type Scheduler } from '../schedule/scheduler';

/** The processor knows what it died of. */
export const NO_VECTOR = -1;

/** Ends after which a VM cannot go on, by what `expect stopped(…)` calls them. */
const causes: ReadonlyMap<number, StopCause> = new Map([[RUN.tripleFault, 'triple_fault'], [RUN.hypervisorStopped, 'internal_error']]);

/** The parts of the interpreter that an end works on; arrays are by actor. */
export interface EndingInterpreter {
  readonly program: Program;
  /** What an actor's expectations are under. */
  readonly techniques: readonly (readonly string[])[];
  readonly bus: EventBus;
  readonly processors: readonly Processor[];
  readonly stacks: readonly GuestStack[];
  readonly happenings: readonly Happenings[];
  readonly statements: StatementIndex;
  readonly run: RunState;
  readonly deaths: Deaths;
  readonly meetings: Meetings;
  /** The hypervisor has stopped the VM because its guest has triple-faulted. */
  readonly hasTripleFaulted: (cpu: number) => boolean;
}

/** Ends of the run whoever comes to them: the scenario itself is wrong, not one guest. */
const endsOfAll: ReadonlySet<number> = new Set([RUN.deadlock, RUN.hostActionRefused]);

/**
 * How a run comes to an end that its scenario did not write: told where and why, unless `expect stopped` is below it. Where
 * there are several VMs, one that cannot go on leaves the others at work.
 */
export class Endings {
  scheduler!: Scheduler;
  calls!: HandlerCalls;
  /** Hears of the barriers at which, without the CPUs of a VM that is gone, all have met. */
  met: (meeting: number) => void = () => undefined;
  /** Hears that the VM of a CPU is gone, while others go on. */
  buried: (cpu: number) => void = () => undefined;

  constructor(private readonly parts: EndingInterpreter) {}

  /** An instruction of `cpu` has come to `STATUS.stopped`: the hypervisor cannot go on, or the processor has shut down. */
  stop(cpu: number): void {
    const hasShutDown = this.parts.processors[cpu]!.registers[2 * REGISTER.activity] === ACTIVITY.shutdown;
    const isTriple = hasShutDown || this.parts.hasTripleFaulted(cpu);
    this.die(isTriple ? RUN.tripleFault : RUN.hypervisorStopped, cpu, isTriple ? NO_VECTOR : 0, 0, 0, 0);
  }

  /** `status`: a `RUN` past `ended`; (lo, hi) and the rest: what it died of, or 0. */
  die(status: number, actor: number, vector: number, code: number, lo: number, hi: number): void {
    const { bus, run, stacks } = this.parts;
    // A processor that shuts down has told of it itself.
    if (status === RUN.tripleFault && vector !== NO_VECTOR && bus.on[KIND.triple_fault]) {
      const record = bus.begin(KIND.triple_fault, ACTOR.guest, actor);
      setPairAt(record, field.gva.at, lo, hi);
      record[field.vector.at] = vector;
      record[field.code.at] = code;
      bus.commit();
    }
    if (this.isExpected(status, actor)) return;
    const death: Death = { status, cpu: actor, statement: stacks[actor]!.statement, vector, code, addressLo: lo, addressHi: hi };
    if (this.othersGoOn(status, actor)) this.bury(death);
    else run.die(status, actor, death.statement, vector, code, lo, hi);
  }

  private othersGoOn(status: number, actor: number): boolean {
    const { program: { vms }, deaths } = this.parts;
    const vm = this.vmOf(actor);
    return vm >= 0 && !endsOfAll.has(status) && vms.some(({ parent }, other) => parent < 0 && other !== vm && !deaths.isGone(other));
  }

  /** The VM on the host that goes with an actor: of a nested guest's CPU the one around; -1 for a host thread. */
  private vmOf(actor: number): number {
    const { actors, vms } = this.parts.program;
    const { vm } = actors[actor]!;
    return vm < 0 || vms[vm]!.parent < 0 ? vm : vms[vm]!.parent;
  }

  /** The VM does nothing more from here on. */
  private bury(death: Death): void {
    const { program: { actors }, deaths, meetings } = this.parts;
    const vm = this.vmOf(death.cpu);
    deaths.note(vm, 'not meant', death);
    actors.forEach((_, number) => {
      if (this.vmOf(number) === vm) this.scheduler.setState(number, ACTOR_STATE.dead);
    });
    for (const meeting of meetings.forgetTheDead()) this.met(meeting);
    this.buried(death.cpu);
  }

  /** The VM stops, and an expectation below the statement says so: its CPU goes on to judge that one, the others do nothing more. */
  private isExpected(status: number, actor: number): boolean {
    const { program, techniques, stacks, happenings, processors, deaths, meetings } = this.parts;
    const cause = causes.get(status);
    const processor = processors[actor];
    if (cause === undefined || processor === undefined) return false;
    const { stoppedBelow } = program.statements[this.statementOfBlock(stacks[actor]!)]!;
    const isMeant = stoppedBelow.some((i) => {
      const { claim } = program.expectations[i]!;
      return appliesTo(program, program.expectations[i]!, techniques[actor]!) && claim.kind === 'stopped' && (claim.why ?? cause) === cause;
    });
    if (!isMeant) return false;
    happenings[actor]!.noteStop(stopCauses.indexOf(cause));
    this.calls.leaveToBlock(actor, processor);
    const vm = this.vmOf(actor);
    const { statement } = stacks[actor]!;
    deaths.note(vm, 'meant', { status, cpu: actor, statement, vector: 0, code: 0, addressLo: 0, addressHi: 0 });
    program.actors.forEach((_, number) => {
      if (number !== actor && this.vmOf(number) === vm) this.scheduler.setState(number, ACTOR_STATE.dead);
    });
    for (const meeting of meetings.forgetTheDead()) this.met(meeting);
    return true;
  }

  /** The statement of the `cpu` block that is under way, of an actor whose counter may stand in a handler or procedure. */
  private statementOfBlock(stack: GuestStack): number {
    const frames = stack.frames();
    const above = frames[frames.length - 2];
    const { pc } = frames[frames.length - 1]!;
    const at = above === undefined || above.isHandler ? pc : pc - 1;
    return this.parts.statements.at(at);
  }
}
