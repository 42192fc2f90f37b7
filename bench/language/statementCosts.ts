import { catalog } from '../../src/engine/settings/catalog';
import { configure } from '../../src/engine/settings/configuration';
import { Machine } from '../../src/engine/machine/machine';
import { RUN } from '../../src/engine/interpreter/runState';
import { StraightLine } from '../../src/engine/straight/straightLine';
import type { Processor } from '../../src/hardware/processor/processor';
import { COUNTER } from '../../src/hardware/state/counters';
import { compileScenario } from '../../src/language/compile';
import type { Program } from '../../src/language/program';
import { median, ownCpuTime } from '../hardware/cpuTime';
import { guestText, sampleBody, SAMPLE_VARIABLES, twinText } from './sampleBody';
import { TreeWalk } from './treeWalk';

/*
 * A process of its own: one statement of the sample program, three ways, in nanoseconds of CPU time, as JSON. All three
 * make the same accesses through `Processor.load` and `Processor.store`, with the same hits of its TLB, and count the
 * statements. What they do not share favours the other two: ours computes with all 64 bits, leaves the registers, program
 * counter and step count in the registry as single steps would, and pays the making of its functions in the first of the
 * rounds; the twin and the tree walk compute with Numbers, which the sample keeps below 2^31, in local variables and in a Map.
 */
const TURNS = 60_000;
const REPEATS = 7;

function compiled(turns: number): Program {
  const { program, diagnostics } = compileScenario({ path: 'sample.guest', text: guestText(sampleBody(), turns), catalog, readImport: () => undefined });
  if (program === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return program;
}

/** A machine at the first line of the program behind boot. */
function machineAt(program: Program): Machine {
  const configuration = configure(program, 'native');
  if ('error' in configuration) throw new Error(configuration.error);
  const machine = new Machine(program, configuration);
  const { interpreter } = machine;
  while (!interpreter.run.isCounting) interpreter.step();
  return machine;
}

/** A processor whose tables map the sample's page, for the two that have no interpreter. */
function mappedProcessor(): Processor {
  const machine = machineAt(compiled(1));
  while (machine.interpreter.run.status === RUN.running) machine.interpreter.step();
  return machine.processors[0]!;
}

interface Found {
  readonly statements: number;
  readonly checksum: number;
}

function ours(made: Machine): Found {
  const { interpreter, processors } = made;
  const { run } = interpreter;
  const straight = new StraightLine(made);
  while (run.status === RUN.running) straight.run(4096);
  const stack = interpreter.stacks[0]!;
  const { variables } = interpreter.program.procedures[0]!;
  const checksum = SAMPLE_VARIABLES.reduce((sum, name) => sum + stack.words[stack.base + 2 * variables.find((each) => each.name === name)!.register]!, 0);
  return { statements: processors[0]!.counters[COUNTER.statements]!, checksum };
}

const program = compiled(TURNS);
const body = sampleBody();
const counters = new Float64Array(1);
const twinProcessor = mappedProcessor();
const walkProcessor = mappedProcessor();
// The twin is what the goal is about: the same program as JavaScript.
// eslint-disable-next-line @typescript-eslint/no-implied-eval
const twin = new Function('processor', 'counters', 'turns', twinText(body)) as (processor: Processor, counters: Float64Array, turns: number) => number;

function jsTwin(): Found {
  counters[0] = 0;
  const checksum = twin(twinProcessor, counters, TURNS);
  return { statements: counters[0], checksum };
}

function treeWalk(): Found {
  const walk = new TreeWalk(walkProcessor);
  SAMPLE_VARIABLES.forEach((name, i) => walk.names.set(name, i + 1));
  for (let turn = 0; turn < TURNS; turn++) walk.run(body);
  return { statements: walk.statements, checksum: SAMPLE_VARIABLES.reduce((sum, name) => sum + walk.names.get(name)!, 0) };
}

const times: Record<'statement' | 'twin' | 'walk', number[]> = { statement: [], twin: [], walk: [] };
const checksums = new Set<number>();
const measure = (name: keyof typeof times, work: () => Found): void => {
  const start = ownCpuTime();
  const { statements, checksum } = work();
  times[name].push((ownCpuTime() - start) / statements);
  checksums.add(checksum);
};
for (let repeat = 0; repeat < REPEATS; repeat++) {
  const made = machineAt(program);
  measure('statement', () => ours(made));
  measure('twin', jsTwin);
  measure('walk', treeWalk);
  // Later on the pages of the other two hold what the turns before have left.
  if (repeat === 0 && checksums.size !== 1) throw new Error(`the three do not compute the same: ${[...checksums].join(', ')}`);
}
console.log(JSON.stringify(Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]))));
