import { CPU_AT, KIND, KIND_AT } from '../../hardware/events/eventTable';
import { COUNTER } from '../../hardware/state/counters';
import { eventJson } from '../../hardware/events/eventText';
import type { Fragment, Program } from '../../language/program';
import { AccessTries, type Tries } from './accessTries';
import { configure, type Configuration, type ConfigurationError } from '../settings/configuration';
import { estimatedCycles, type CostModel } from '../costs/costModel';
import type { Outcome, OutputLine } from '../debuggee';
import { GuestLog, guestLogKinds, type GuestLogLine } from './guestLog';
import { Machine } from '../machine/machine';
import { outcomeOf } from './outcome';
import { RunShare } from './runShare';
import { techniqueText } from '../machine/runningVm';
import { RUN } from '../interpreter/runState';
import { StraightLine } from '../straight/straightLine';
import { summed, vmReport, type VmReport } from './vmReport';
import { evaluate, type Watched } from '../questions/watch';

/** Steps between two looks at whether to stop. */
const STRIDE = 4096;

export type TraceLine = Readonly<Record<string, string | number>>;

/** Value of a condition at the event that is being told, on the machine as it stands right there; touches nothing. */
export type JudgeEvent = (condition: Fragment) => Watched;

export interface RunOptions {
  /**
   * Each event of the scenario's own program, in order: step, event number within it, and the event's
   * keys. Of boot before it only what is written into tables (`bootKinds`), so that replaying those
   * events from an empty table gives the tables of any step.
   */
  readonly trace?: (line: TraceLine, judge: JudgeEvent) => void;
  readonly guestLog?: (line: GuestLogLine) => void;
  readonly say?: (line: OutputLine) => void;
  /** Each time an expectation (an index into `Program.expectations`) is judged. */
  readonly judged?: (expectation: number, verdict: 'held' | 'failed') => void;
  /** Counts tries of accesses, and those that took a VM exit: for comparisons, since it costs a look at every instruction. */
  readonly tries?: 'counted';
  /** In place of the platform's. */
  readonly costs?: CostModel;
  /** Asked now and then; true ends the run with the counts so far. */
  readonly isStopped?: () => boolean;
}

export interface RunReport {
  /** What the VMs ran under: one name when they agree, else all of them in order. */
  readonly technique: string;
  /** By number, as in Program.vms. */
  readonly vms: readonly VmReport[];
  readonly outcome: Outcome;
  /** False when the run was broken off before its end: the rest is as it stood then. */
  readonly isOver: boolean;
  /** Indexed as hardware/state/counters.ts says, summed over all CPUs, table pages as they stand. */
  readonly counters: Float64Array;
  /** What the estimate is made with. */
  readonly costs: CostModel;
  readonly estimatedCycles: number;
  /** Present when they were asked for. */
  readonly tries?: Tries;
}

/** Runs a program to its end. `mmu` as after `--mmu`; a sentence when the technique does not fit or no such machine can be. */
export function run(program: Program, mmu: string | undefined, options: RunOptions = {}): RunReport | ConfigurationError {
  const started = startRun(program, mmu, options);
  if ('error' in started) return started;
  started.work(() => options.isStopped?.() === true);
  return started.report();
}

/** Puts a program on its machine, to be run in slices of the caller's; a sentence when it does not fit, as with `run`. */
export function startRun(program: Program, mmu: string | undefined, options: RunOptions = {}): ScenarioRun | ConfigurationError {
  const configuration = configure(program, mmu);
  return 'error' in configuration ? configuration : new ScenarioRun(program, configuration, options);
}

/** One run of a program, from boot to its end. The caller decides how long the host is kept busy at a time. */
export class ScenarioRun {
  private readonly machine: Machine;
  private log: GuestLog | undefined;
  private isPastBoot = false;
  private readonly tries: AccessTries | undefined;
  private readonly shares: RunShare;
  private readonly straight: StraightLine;

  constructor(program: Program, configuration: Configuration, private readonly options: RunOptions) {
    this.machine = new Machine(program, configuration);
    const { interpreter } = this.machine;
    interpreter.say = (category, text, statement) => {
      const { range } = program.statements[statement]!;
      options.say?.({ category, text, path: program.files[range.file]!.path, line: range.line + 1 });
    };
    this.shares = new RunShare(program, interpreter);
    this.straight = new StraightLine(this.machine);
    this.tries = options.tries === undefined ? undefined : new AccessTries(this.machine);
    if (options.judged !== undefined) interpreter.judged = options.judged;
    if (options.trace !== undefined) listen(this.machine, options, undefined);
  }

  /** Statements of the scenario's own program so far, over all CPUs; 0 during boot. */
  get statements(): number {
    if (!this.machine.interpreter.run.isCounting) return 0;
    return [...new Set(this.machine.processors)].reduce((sum, { counters }) => sum + counters[COUNTER.statements]!, 0);
  }

  /** A guess at how much is done, 0 to 1, where loops allow one; undefined during boot. */
  share(): number | undefined {
    return this.isPastBoot ? this.shares.share() : undefined;
  }

  /** Text of a listing's line, as events number both (lines from 1); undefined for a line that there is not. */
  listingText(listing: number, line: number): string | undefined {
    return this.machine.listing(listing)?.lines[line - 1]?.text;
  }

  /** Runs on until `expired`, which is asked every few thousand instructions, says so; true when the run is over. */
  work(expired: () => boolean): boolean {
    const { tries } = this;
    const { interpreter } = this.machine;
    const state = interpreter.run;
    const isUnheard = tries === undefined && this.options.trace === undefined && this.options.guestLog === undefined;
    const execute = (isThere: () => boolean): void => {
      for (let steps = 0; state.status === RUN.running && !isThere();) {
        if (isUnheard) {
          steps += this.straight.run(STRIDE - steps);
        } else {
          interpreter.step();
          tries?.note();
          steps++;
        }
        if (steps < STRIDE) continue;
        steps = 0;
        if (expired()) return;
      }
    };
    if (!this.isPastBoot) {
      execute(() => state.isCounting);
      if (!state.isCounting && state.status === RUN.running) return false;
      this.startListening();
    }
    execute(() => false);
    return state.status !== RUN.running;
  }

  /** How it stands. Nothing is listened to from here on. */
  report(): RunReport {
    const { machine } = this;
    machine.bus.silence();
    this.log?.noteTables();
    const costs = this.options.costs ?? machine.configuration.costs;
    const vms = machine.vms.filter(({ outer }) => outer === undefined).map((vm) => vmReport(machine.questions, vm, costs));
    const counters = summed(vms);
    return {
      technique: techniqueText(machine.vms),
      vms,
      outcome: outcomeOf(machine),
      isOver: machine.interpreter.run.status !== RUN.running,
      counters,
      costs,
      estimatedCycles: estimatedCycles(costs, counters),
      ...(this.tries === undefined ? {} : { tries: this.tries.counted() }),
    };
  }

  /** Boot is over: from here on the guest log is kept too. */
  private startListening(): void {
    const { guestLog } = this.options;
    this.isPastBoot = true;
    this.log = guestLog === undefined ? undefined : new GuestLog(this.machine, guestLog);
    this.machine.interpreter.met = (meeting) => this.log?.noteTables(meeting);
    listen(this.machine, this.options, this.log);
  }
}

/** Kinds that tables can be replayed from; no counter counts them. */
const bootKinds: ReadonlySet<number> = new Set([KIND.entry_written, KIND.ad_update]);

function listen(machine: Machine, options: RunOptions, log: GuestLog | undefined): void {
  const { trace } = options;
  if (trace === undefined && log === undefined) return;
  let step = -1;
  let event = 0;
  machine.forgetDerived();
  machine.bus.listen((record) => {
    if (log !== undefined && guestLogKinds.includes(record[KIND_AT]!)) log.note(record);
    if (trace === undefined) return;
    const now = machine.interpreter.run.step;
    event = now === step ? event + 1 : 1;
    step = now;
    if (!machine.interpreter.run.isCounting && !bootKinds.has(record[KIND_AT]!)) return;
    trace({ step, event, ...eventJson(record), ...whose(machine, record[CPU_AT]!) }, (condition) => {
      const cpu = record[CPU_AT]!;
      return evaluate(machine, condition, cpu, machine.interpreter.stacks[cpu]!.depth, { record });
    });
  }, trace === undefined ? guestLogKinds : 'all');
}

/** The VM that an event is of, where there are several: which one its CPU is of. */
function whose(machine: Machine, cpu: number): TraceLine {
  return machine.vms.length > 1 && machine.processors[cpu] !== undefined ? { vm: machine.guestOn(cpu).name } : {};
}
