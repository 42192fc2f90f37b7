import { memoryWatchBytes, memoryWatchKinds, memoryWatchMatches } from '../../src/adapter/breakpoints/memoryWatch';
import { firstStatement } from '../../src/adapter/breakpoints/statementAtLine';
import { catalog } from '../../src/engine/settings/catalog';
import { launch } from '../../src/engine/time/launch';
import type { Timeline } from '../../src/engine/time/timeline';
import { KIND } from '../../src/hardware/events/eventTable';
import { COUNTER } from '../../src/hardware/state/counters';
import { compileScenario } from '../../src/language/compile';
import type { Program } from '../../src/language/program';
import { median, ownCpuTime } from '../hardware/cpuTime';
import { guestText, sampleBody } from '../language/sampleBody';

/*
 * A process of its own: what it costs to run past a breakpoint that is armed and never stops, as JSON: `run`, by `continue` from
 * the first statement to the end, and `back`, by `reverse-continue` from there to the start; ns a statement.
 */
const [armed, wanted] = [process.argv[2] as Armed, Number(process.argv[3])];
const REPEATS = 3;
const STATEMENTS_A_TURN = 40;
const NEVER = 'if a == 0xffff_ffff_ffff { b = 0 }';
const ID = 7;

type Armed = keyof typeof arming;

/** What is armed: the filter that is on by default is not, since nothing fails here. */
const arming = {
  nothing: () => undefined,
  /** In the loop, on a line that it never comes to. */
  line: (timeline: Timeline, { statements, files }: Program) => {
    const line = files[0]?.text.split('\n').indexOf(NEVER);
    const onLine = statements.flatMap(({ range }, number) => (range.file === 0 && range.line === line ? [number] : []));
    timeline.setStatementBreakpoints([{ id: ID, statement: onLine[onLine.length - 1]! }]);
  },
  event: (timeline: Timeline) => { timeline.setEventBreakpoints([{ id: ID, kinds: [KIND.triple_fault], matches: () => true }]); },
  /** Eight bytes of a page that nobody touches, at a place in it that others have in theirs. */
  data: (timeline: Timeline) => {
    const watch = { kind: 'memory', space: 'gva', address: 0x700008n, length: 8n } as const;
    const unasked = (): never => { throw new Error('invariant: a linear address is not translated'); };
    const machine = { guestAddress: unasked, hostAddress: unasked, actorOn: unasked };
    timeline.setEventBreakpoints([{ id: ID, kinds: memoryWatchKinds(watch, ['write']), matches: memoryWatchMatches(watch, ['write'], machine), bytes: memoryWatchBytes(watch) }]);
  },
} as const satisfies Record<string, (timeline: Timeline, program: Program) => void>;

function compiled(): Program {
  const text = guestText(sampleBody(), Math.ceil(wanted / STATEMENTS_A_TURN)).replace(/^repeat .*$/m, (line) => `${line}\n${NEVER}`);
  const { program, diagnostics } = compileScenario({ path: 'load.guest', text, catalog, readImport: () => undefined });
  if (program === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return program;
}

/** Time of a motion, which must come to `stop`. */
function timed(timeline: Timeline, motion: 'continue' | 'reverse-continue', stop: string): number {
  const start = ownCpuTime();
  timeline.start(motion, 0);
  let found = timeline.slice(() => false);
  while (found === undefined) found = timeline.slice(() => false);
  if (found.kind !== stop) throw new Error(`invariant: ${motion} stops with ${found.kind}`);
  return ownCpuTime() - start;
}

const program = compiled();
const times = { run: [] as number[], back: [] as number[] };
let statements = 1;
for (let repeat = 0; repeat < REPEATS; repeat++) {
  const started = launch(program, 'native');
  if ('error' in started) throw new Error(started.error);
  const { timeline } = started;
  timeline.setStatementBreakpoints([{ id: ID, statement: firstStatement(program, program.cpus[0]!)! }]);
  timed(timeline, 'continue', 'breakpoint');
  timeline.setStatementBreakpoints([]);
  arming[armed](timeline, program);
  times.run.push(timed(timeline, 'continue', 'ended'));
  statements = timeline.machine.processors[0]!.counters[COUNTER.statements]!;
  times.back.push(timed(timeline, 'reverse-continue', 'start-of-history'));
}
console.log(JSON.stringify({ run: median(times.run) / statements, back: median(times.back) / statements }));
