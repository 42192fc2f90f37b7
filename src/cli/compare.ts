import { costModelOfText } from '../engine/costs/costModel';
import { startComparison, type Comparison, type ComparisonRun } from '../engine/run/compare';
import { refusalText } from '../engine/settings/configuration';
import { paintFor } from './colours';
import type { ChartedComparison } from './charts/chartFiles';
import { compileOrSay } from './compileFile';
import { EXIT, type Console } from './console';
import { compareJson } from './compareJson';
import { compareText } from './compareText';
import { workOff, type Progress } from './progress';
import { readSweep } from './sweep';

export interface CompareOptions {
  readonly json?: true;
  readonly mmu?: readonly string[];
  readonly sweep?: string;
  readonly costs?: string;
  readonly svg?: string;
  readonly html?: string;
}

/**
 * Runs one scenario under every technique that fits and sets the counts side by side. Status 0: every run came to its end
 * with its expectations held; 1: one did not; 2: it does not compile, no technique fits, or the arguments are off.
 */
export async function compare(file: string, options: CompareOptions, console: Console): Promise<number> {
  const sweep = options.sweep === undefined ? undefined : readSweep(options.sweep);
  if (sweep !== undefined && 'error' in sweep) return refuse(console, `--sweep ${options.sweep ?? ''}: ${sweep.error}.`);
  const costs = options.costs === undefined ? undefined : costModelOfText(options.costs);
  if (costs !== undefined && 'error' in costs) return refuse(console, `--costs ${options.costs ?? ''}: ${costs.error}.`);
  // Compiled with the swept global set: what is no global of the scenario's own is an error of the compiler's.
  const program = compileOrSay(file, console, sweep === undefined ? {} : { [sweep.global]: sweep.values[0] ?? 0n });
  if (program === undefined) return EXIT.unusable;
  const started = startComparison(program, {
    ...(options.mmu === undefined ? {} : { techniques: options.mmu }),
    ...(sweep === undefined ? {} : { sweep }),
    ...(costs === undefined ? {} : { costs }),
  });
  if ('error' in started) return refuse(console, `${refusalText(started)}.`);
  const ended = await workOff({ work: (expired) => started.work(expired), progress: () => progressOf(file, started) }, console);
  const comparison = started.comparison();
  const results = comparison.points.flatMap((point) => point.results);

  console.out(options.json === true
    ? `${JSON.stringify(compareJson(file, comparison, sweep?.global))}\n`
    : compareText(file, comparison, sweep?.global, paintFor(console.terminal)));
  if (ended === 'interrupted') return EXIT.interrupted;
  if (results.length === 0) return EXIT.unusable;
  if (!await writeCharts(chartedOf(file, comparison, sweep?.global, options), options, console)) return EXIT.unusable;
  return results.every(({ outcome }) => outcome.ok) ? EXIT.ok : EXIT.failed;
}

function refuse(console: Console, sentence: string): number {
  console.error(`pagewalk: ${sentence}\n`);
  return EXIT.unusable;
}

/** Runs under another technique are about as long: the guest does the same. */
function progressOf(file: string, run: ComparisonRun): Progress {
  const { runs, runsInAll, statements, share, now } = run.progress();
  return { what: `${file} under ${now} (${Math.min(runs + 1, runsInAll)} of ${runsInAll})`, unit: 'statements', units: statements, share };
}

function chartedOf(file: string, { points, unfit }: Comparison, global: string | undefined, { sweep }: CompareOptions): ChartedComparison {
  return { title: file, points, unfit, ...(global === undefined ? {} : { sweep: { global, scale: sweep?.includes(':x') === true ? 'log' : 'linear' } }) };
}

/** The library that draws is loaded when something is to be drawn. */
async function writeCharts(charted: ChartedComparison, { svg, html }: CompareOptions, console: Console): Promise<boolean> {
  if (svg === undefined && html === undefined) return true;
  const { chartPage, chartPicture } = await console.late.charts();
  for (const [path, draw] of [[svg, chartPicture], [html, chartPage]] as const) {
    if (path === undefined || console.writeText(path, draw(charted))) continue;
    console.error(`pagewalk: ${path} cannot be written: check the folder and its rights.\n`);
    return false;
  }
  return true;
}
