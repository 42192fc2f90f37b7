import type { CancellationToken } from 'vscode-languageserver';
import { fileName } from '../adapter/client';
import { startComparison, type Comparison } from '../engine/run/compare';
import { compareRows } from '../engine/run/compareRows';
import { countersJson } from '../engine/run/countersJson';
import type { CompareAnswer } from '../protocol/languageRequests';
import type { OpenScenarios } from './openScenarios';

/** A slice of work: longer, and typing would be felt to wait. */
const SLICE_MS = 20;

/**
 * Runs an open scenario under every technique that fits, in slices, so that other requests are answered meanwhile; a
 * cancelled comparison gives what there is so far.
 */
export async function compareScenario(open: OpenScenarios, uri: string, token: CancellationToken): Promise<CompareAnswer> {
  const opened = open.get(uri);
  if (opened === undefined) return { refusal: 'Only a scenario that is open can be compared; open it first.' };
  const scenario = await opened.scenario();
  const error = scenario.diagnostics.find(({ severity }) => severity === 'error');
  if (error !== undefined || scenario.program === undefined) {
    const line = (error?.range.line ?? 0) + 1;
    return { refusal: `${fileName(uri)}:${line} does not compile. ${error?.message ?? ''}`.trim() };
  }
  const run = startComparison(scenario.program);
  if ('error' in run) return { refusal: run.error };
  for (;;) {
    const until = Date.now() + SLICE_MS;
    if (run.work(() => Date.now() > until) || token.isCancellationRequested) break;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return { markdown: comparisonPage(decodeURIComponent(fileName(uri)), run.comparison()) };
}

/** A table with a column for each technique, what died, and why the others were left out. */
export function comparisonPage(name: string, { points, unfit, isOver }: Comparison): string {
  const results = points[0]?.results ?? [];
  const counters = results.map((each) => countersJson(each.counters));
  const head = ['', ...results.map(({ mmu }) => mmu)];
  const rows = compareRows(results).map(({ title, isPart, value }) => [
    isPart ? `&nbsp;&nbsp;${title}` : title,
    ...results.map((result, i) => {
      const counted = counters[i];
      // A narrow column must not part a number from its sign.
      return counted === undefined ? '' : value(result, counted).replaceAll(' %', '&nbsp;%');
    }),
  ]);
  const table = [head, ['---', ...results.map(() => '---:')], ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const died = results.flatMap(({ mmu, outcome }) => (outcome.message === undefined ? [] : [`- Under ${mmu}: ${outcome.message}`]));
  const reasons = new Map<string, string[]>();
  for (const { mmu, why } of unfit) reasons.set(why, [...(reasons.get(why) ?? []), mmu]);
  const left = [...reasons].map(([why, mmus]) => `- Not under ${mmus.join(', ')}: ${why}`);
  const broken = isOver ? [] : ['The comparison was broken off; the counts are those so far.'];
  const sections = [`# ${name} under every technique`, table.join('\n'), died.join('\n'), left.join('\n'), ...broken];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}
