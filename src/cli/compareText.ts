import type { Comparison, ComparedPoint } from '../engine/run/compare';
import type { Paint } from '../adapter/tones';
import { counted } from '../adapter/counted';
import { compareRows, grouped, shareWithoutExit } from '../engine/run/compareRows';
import { countersJson } from '../engine/run/countersJson';

/** The comparison as a table; of a sweep a table a quantity, with a line for each value. */
export function compareText(file: string, { points, unfit }: Comparison, global: string | undefined, paint: Paint): string {
  const lines = global === undefined ? points.flatMap((point) => pointTable(file, point, paint)) : sweepTables(file, points, global, paint);
  const reasons = new Map<string, string[]>();
  for (const { mmu, why } of unfit) reasons.set(why, [...(reasons.get(why) ?? []), mmu]);
  if (reasons.size > 0) lines.push('');
  for (const [why, mmus] of reasons) lines.push(paint('quiet', `not under ${mmus.join(', ')}: ${why}`));
  return `${lines.join('\n')}\n`;
}

function pointTable(file: string, { results }: ComparedPoint, paint: Paint): string[] {
  const counters = results.map((result) => countersJson(result.counters));
  const rows = compareRows(results).map(({ title, isPart, value }) => [
    isPart ? `  ${title}` : title, ...results.map((result, i) => value(result, counters[i]!)),
  ]);
  const lines = table([[file, ...results.map(({ mmu }) => mmu)], ...rows], paint);
  for (const { mmu, outcome, isOver } of results) {
    if (outcome.message !== undefined) lines.push(paint('bad', `under ${mmu}: ${outcome.message}`));
    else if (!isOver) lines.push(paint('warning', `under ${mmu}: stopped by Ctrl-C; the counts are those so far`));
  }
  return lines;
}

function sweepTables(file: string, points: readonly ComparedPoint[], global: string, paint: Paint): string[] {
  const mmus = [...new Set(points.flatMap(({ results }) => results.map(({ mmu }) => mmu)))];
  const lines = quantities.flatMap(({ title, of }, index) => [
    ...(index === 0 ? [] : ['']),
    paint('heading', `${title}, ${file}`),
    ...table([[global, ...mmus], ...points.map(({ value, results }) => [
      String(value ?? ''), ...mmus.map((mmu) => {
        const result = results.find((each) => each.mmu === mmu);
        return result === undefined ? '' : of(result);
      }),
    ])], paint),
  ]);
  for (const { value, results } of points) {
    for (const { mmu, outcome } of results) {
      const said = outcome.message ?? (outcome.failed > 0 ? `${counted(outcome.failed, 'expectation')} failed` : undefined);
      if (said !== undefined) lines.push(paint('bad', `${global} = ${value ?? ''} under ${mmu}: ${said}`));
    }
  }
  return lines;
}

const quantities: readonly { readonly title: string; readonly of: (result: ComparedPoint['results'][number]) => string }[] = [
  { title: 'Estimated cycles', of: ({ estimatedCycles }) => grouped(estimatedCycles) },
  { title: 'VM exits', of: ({ counters }) => grouped(countersJson(counters).vm_exits['total'] ?? 0) },
  { title: 'Walk references', of: ({ counters }) => grouped(countersJson(counters).walk_references) },
  { title: 'Accesses without an exit', of: (result) => `${(Math.floor(1000 * shareWithoutExit(result)) / 10).toFixed(1)} %` },
];

/** Columns of the widths that they need; the first to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[], paint: Paint): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row, index) => {
    const line = row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ');
    return index === 0 ? paint('heading', line) : line;
  });
}
