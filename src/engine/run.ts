import { KIND, KIND_AT } from '../hardware/events/eventTable';
import { COUNTER, COUNTERS } from '../hardware/state/counters';
import { eventJson } from '../hardware/events/eventText';
import { COUNTER_SCOPE, type Program } from '../language/program';
import { configure, type ConfigurationError } from './configuration';
import { estimatedCycles } from './costs';
import type { Outcome, OutputLine } from './debuggee';
import { GuestLog, guestLogKinds, type GuestLogLine } from './guestLog';
import { Machine } from './machine';
import { outcomeOf } from './outcome';
import { RUN } from './runState';

/** Steps between two looks at whether to stop. */
const STRIDE = 4096;

export interface RunOptions {
  /**
   * Each event of the scenario's own program, in order: step, event number within it, and the event's
   * keys. Of boot before it only what is written into tables (`bootKinds`), so that replaying those
   * events from an empty table gives the tables of any step.
   */
  readonly trace?: (line: Readonly<Record<string, string | number>>) => void;
  readonly guestLog?: (line: GuestLogLine) => void;
  readonly say?: (line: OutputLine) => void;
  /** Asked now and then; true ends the run with the counts so far. */
  readonly isStopped?: () => boolean;
}

export interface RunReport {
  readonly technique: string;
  readonly outcome: Outcome;
  /** Indexed as hardware/state/counters.ts says, summed over all CPUs, table pages as they stand. */
  readonly counters: Float64Array;
  readonly estimatedCycles: number;
}

/** Runs a program to its end. `mmu` as after `--mmu`; a sentence when the technique does not fit or no such machine can be. */
export function run(program: Program, mmu: string | undefined, options: RunOptions = {}): RunReport | ConfigurationError {
  const configuration = configure(program, mmu);
  if ('error' in configuration) return configuration;
  const machine = new Machine(program, configuration);
  const { interpreter } = machine;
  const state = interpreter.run;
  interpreter.say = (category, text, statement) => {
    const { range } = program.statements[statement]!;
    options.say?.({ category, text, path: program.files[range.file]!.path, line: range.line + 1 });
  };
  const execute = (until: () => boolean): void => {
    for (let steps = 1; state.status === RUN.running && !until(); steps++) {
      interpreter.step(0);
      if (steps % STRIDE === 0 && options.isStopped?.() === true) return;
    }
  };
  if (options.trace !== undefined) listen(machine, options, undefined);
  execute(() => state.isCounting);
  const log = options.guestLog === undefined ? undefined : new GuestLog(machine, options.guestLog);
  listen(machine, options, log);
  execute(() => false);
  machine.bus.silence();
  log?.noteTables();
  const counters = totals(machine);
  return { technique: machine.technique.name, outcome: outcomeOf(machine), counters, estimatedCycles: estimatedCycles(counters) };
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
    trace({ step, event, ...eventJson(record) });
  }, trace === undefined ? guestLogKinds : 'all');
}

function totals(machine: Machine): Float64Array {
  const counters = new Float64Array(COUNTERS);
  for (const processor of machine.processors) {
    processor.counters.forEach((value, i) => { counters[i]! += value; });
  }
  for (const name of ['guest', 'shadow', 'ept', 'host'] as const) {
    const counter = COUNTER[`table_pages.${name}`];
    counters[counter] = machine.questions.counter(0, counter, COUNTER_SCOPE.now);
  }
  return counters;
}

