import fc from 'fast-check';
import { configure } from '../../../src/engine/settings/configuration';
import { catalog } from '../../../src/engine/settings/catalog';
import { compileScenario } from '../../../src/language/compile';
import type { Program } from '../../../src/language/program';
import { differenceOf, drawnTechniques, seenUnder, sightUnder, type Seen, type Under, type Watch } from './equalRuns';
import { RecordedSight } from './recordedSight';
import { programsOf, type NumberedProgram } from './programSequence';
import { raceFreePrograms, type RaceFreeProgram } from './raceFreeProgram';
import { raceFreeText } from './raceFreeText';

/** Under how many techniques a program runs: all there are, or native and as many others, drawn by the program. */
export type Breadth = 'all' | number;

export interface Order {
  /** Number of the first program, and how many there are from it on. */
  readonly first: number;
  readonly programs: number;
  readonly seed: number;
  readonly breadth: Breadth;
  /** Of those only these, beside the first. */
  readonly only?: readonly string[];
  readonly shrink: 'shrunk' | 'as it is';
  readonly watch?: Watch;
  /** Told after each program, how many have agreed. */
  readonly said?: (done: number) => void;
}

export interface Failure {
  readonly seed: number;
  /** Number of the program. */
  readonly index: number;
  readonly text: string;
  readonly why: string;
}

/** Runs random programs until one fails; undefined when all agree. */
export function judgePrograms(order: Order): Failure | undefined {
  const { first, programs, seed, shrink, watch, said } = order;
  for (const program of programsOf(seed, first, first + programs)) {
    const why = reasonOf(() => { assertEqual(program.draw, order, watch); });
    if (why !== undefined) return shrink === 'as it is' ? { seed, index: program.index, text: raceFreeText(program.draw), why } : shrunk(program, order, why);
    said?.(program.index - first + 1);
  }
  return undefined;
}

/** The text for techniques that know no such event as it holds at: at one that all have. What the guest sees is the same. */
function heldByAll(text: string): string {
  return text.replace(/^( *hold \w+ before ).*$/m, '$1access_done');
}

function fits(program: Program, mmu: string): boolean {
  return !('error' in configure(program, mmu));
}

function reasonOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The smallest program like it that fails too. */
function shrunk({ index, draw, batchSeed, path }: NumberedProgram, order: Order, why: string): Failure {
  const property = fc.property(raceFreePrograms, (each) => { assertEqual(each, order, order.watch); });
  const result = fc.check(property, { seed: batchSeed, path });
  const [smallest] = result.counterexample ?? [];
  if (smallest === undefined) return { seed: order.seed, index, text: raceFreeText(draw), why };
  return { seed: order.seed, index, text: raceFreeText(smallest), why: result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance) };
}

/** What the guest saw under the first technique, and under another: their room is used again and again. */
const expected = new RecordedSight();
const seen = new RecordedSight();

/** Throws when a technique that fits shows its guest another machine than the first one does. */
export function assertEqual(draw: RaceFreeProgram, { breadth, only }: Pick<Order, 'breadth' | 'only'>, watch: Watch | undefined): void {
  const text = raceFreeText(draw);
  const program = compile(text);
  const other = draw.hold === undefined ? program : compile(heldByAll(text));
  let first: Under | undefined;
  for (const mmu of chosen(drawnTechniques(draw.settings), breadth, draw.settings + draw.seed)) {
    const isWanted = first === undefined || only === undefined || only.some((name) => mmu === name || mmu.startsWith(`${name}:`));
    const run = fits(program, mmu) ? program : other;
    const end = isWanted ? sightUnder(run, mmu, first === undefined ? expected : seen, watch) : undefined;
    if (end === undefined) continue;
    if (!end.isOver) throw new Error(`under ${mmu} the guest does not come to its end: ${end.words}`);
    if (first === undefined) first = { mmu, run };
    else if (!seen.equals(expected)) throw new Error(differenceOf(first, { mmu, run }));
  }
}

/** Techniques under which a program takes many times as long as under another: one program in so many runs under them too. */
const DEAR: readonly string[] = ['nested'];
const DEAR_EVERY = 32;

/** The first technique, which all are compared with, and `breadth` others from place `draw` on, around the end. */
function chosen(techniques: readonly string[], breadth: Breadth, draw: number): readonly string[] {
  const [first, ...others] = techniques.filter((name) => !DEAR.includes(name));
  if (first === undefined || breadth === 'all' || breadth >= others.length) return techniques;
  const at = draw % others.length;
  const dear = draw % DEAR_EVERY === 0 ? techniques.filter((name) => DEAR.includes(name)) : [];
  return [first, ...[...others, ...others].slice(at, at + breadth), ...dear];
}

function compile(text: string): Program {
  const { program, diagnostics } = compileScenario({ path: 'equivalence.guest', text, readImport: () => undefined, catalog });
  if (program === undefined) throw new Error(`the program does not compile: ${diagnostics[0]?.message ?? ''}\n${text}`);
  return program;
}

/**
 * A failing program as a scenario: it expects what native loads and refuses, and native's tables at the end, so that it fails where
 * a technique still differs. What differed stands above.
 */
export function savedScenario({ text, why, seed, index }: Failure): string {
  const [first] = drawnTechniques(0);
  const judged = expecting(text, first === undefined ? undefined : seenUnder(compile(heldByAll(text)), first));
  const program = compile(heldByAll(judged));
  const held = first === undefined ? undefined : seenUnder(program, first)?.held;
  const dropped = new Set(program.expectations.flatMap(({ statement }, i) => {
    const range = program.statements[statement]?.range;
    return held?.has(i) === true || range === undefined ? [] : [range.line];
  }));
  const head = [`Found by npm run test:equivalence -- --seed ${seed} --first ${index} --programs 1.`, ...why.split('\n')].map((line) => `// ${line}`);
  return [...head, ...judged.split('\n').filter((_, line) => !dropped.has(line))].join('\n');
}

/** The text with an expectation behind each load, and at the end of CPU 0 one for each entry of the tables. */
function expecting(text: string, seen: Seen | undefined): string {
  if (seen === undefined) return text;
  const word = text.includes('paging 32-bit') ? { name: 'dword', bytes: 4 } : { name: 'qword', bytes: 8 };
  const tables = seen.entries.map(({ table, index, value }) => `  expect ${word.name} [gva:${table} + ${index * word.bytes}] == ${value}`);
  let cpu = -1;
  return text.split('\n').flatMap((line, i, all) => {
    if (line.startsWith('cpu ')) cpu++;
    if (line === '}' && cpu === 0) return [...tables, line];
    // Whether a load is refused is asked right behind it.
    const value = line.trim() === 'expect refused' && /^ *(user )?x = /.test(all[i - 1] ?? '') ? seen.loads.get(i - 1) : undefined;
    return value === undefined ? [line] : [line, `  expect x == ${value}`];
  }).join('\n');
}
