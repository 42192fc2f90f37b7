import { catalog } from '../../src/engine/settings/catalog';
import { startRun } from '../../src/engine/run/run';
import { launch } from '../../src/engine/time/launch';
import type { Timeline } from '../../src/engine/time/timeline';
import { COUNTER } from '../../src/hardware/state/counters';
import { firstStatement } from '../../src/adapter/breakpoints/statementAtLine';
import { compileScenario } from '../../src/language/compile';
import type { Program } from '../../src/language/program';
import { median, ownCpuTime } from '../hardware/cpuTime';
import { loads, type Load } from './historyLoads';
import { summary } from './percentiles';

/*
 * A process of its own: what history costs under one load, as JSON. `without` runs the program to its end as the command does,
 * `with` as the debugger does with the filter that is on by default; then one step back from the end, many times, and the same
 * by re-execution from the start.
 */
const [load, wanted] = [process.argv[2] as Load, Number(process.argv[3])];
const REPEATS = Number(process.argv[4] ?? 7);
const STEPS_BACK = 25;

function compiled(statements: number): Program {
  const { program, diagnostics } = compileScenario({ path: 'load.guest', text: loads[load].text(statements), catalog, readImport: () => undefined });
  if (program === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return program;
}

function timed(work: () => void): number {
  const start = ownCpuTime();
  work();
  return ownCpuTime() - start;
}

/** A debuggee at the first statement, as a session with `stopOnEntry` has it. */
function atEntry(program: Program): Timeline {
  const started = launch(program, loads[load].mmu);
  if ('error' in started) throw new Error(started.error);
  const { timeline } = started;
  timeline.setStatementBreakpoints([{ id: 1, statement: firstStatement(program, program.cpus[0]!)! }]);
  move(timeline, 'continue');
  timeline.setStatementBreakpoints([]);
  return timeline;
}

function move(timeline: Timeline, motion: 'continue' | 'over-back'): void {
  timeline.start(motion, 0);
  while (timeline.slice(() => false) === undefined);
}

const program = compiled(wanted);
const times = { without: [] as number[], with: [] as number[] };
let timeline = atEntry(program);
for (let repeat = 0; repeat < REPEATS; repeat++) {
  const plain = startRun(program, loads[load].mmu);
  if ('error' in plain) throw new Error(plain.error);
  // Boot is the same for both, and not what is measured.
  while (plain.statements === 0) plain.work(() => plain.statements > 0);
  times.without.push(timed(() => { while (!plain.work(() => false)); }));
  timeline = atEntry(program);
  times.with.push(timed(() => { move(timeline, 'continue'); }));
}
const statements = timeline.machine.processors[0]!.counters[COUNTER.statements]!;
const { historyBytes } = timeline.machine.registry;
const back: number[] = [];
for (let i = 0; i < STEPS_BACK; i++) {
  const start = performance.now();
  move(timeline, 'over-back');
  // A person waits for it: not for what the collector's threads do meanwhile.
  back.push(performance.now() - start);
}
const found = {
  statements, 'MiB': historyBytes / (1 << 20), 'bytes-a-statement': historyBytes / statements,
  'without': median(times.without) / statements, 'with': median(times.with) / statements, 'again-ms': median(times.without) / 1e6,
  ...summary('back-ms', back),
};
console.log(JSON.stringify(found));
