import { median } from './cpuTime';
import type { Goal } from './goals';
import type { Measurement } from './measurement';
import type { Results } from './suite';

/** A goal beside what was found: the ratio of the medians, and the range of the rounds' ratios. */
export interface Judged {
  readonly goal: Goal;
  readonly ratio: number | undefined;
  readonly range: readonly [number, number] | undefined;
  readonly verdict: string;
}

export function judge(goal: Goal, { samples, missing }: Results): Judged {
  const of = samples.get(goal.of);
  const by = samples.get(goal.by);
  if (of === undefined || by === undefined) {
    const [name = ''] = (of === undefined ? goal.of : goal.by).split('.');
    return { goal, ratio: undefined, range: undefined, verdict: missing.get(name) ?? `${name} was not measured` };
  }
  const ratio = median(of) / median(by);
  const ratios = of.map((ns, round) => ns / (by[round] ?? median(by)));
  return { goal, ratio, range: [Math.min(...ratios), Math.max(...ratios)], verdict: ratio <= goal.atMost ? 'met' : 'not met' };
}

/** Every measurement's times: medians over the rounds, and their range. */
export function printTimes(measurements: readonly Measurement[], { samples, missing }: Results): string {
  const lines = ['ns, CPU time, median of the rounds [least .. most]', ''];
  for (const { name, title } of measurements) {
    const why = missing.get(name);
    if (why !== undefined) lines.push(`  ${title.padEnd(62)} ${why}`);
    for (const [key, label] of [['net', ''], ['hit', ', hit'], ['miss', ', miss'], ['iteration', ', whole iteration']] as const) {
      const values = samples.get(`${name}.${key}`);
      if (values === undefined || key === 'iteration' && samples.has(`${name}.net`)) continue;
      const range = `[${Math.min(...values).toFixed(1)} .. ${Math.max(...values).toFixed(1)}]`;
      lines.push(`  ${(title + label).padEnd(62)} ${median(values).toFixed(1).padStart(7)}  ${range}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

export function printGoals(judged: readonly Judged[]): string {
  const lines = ['ratios of the medians [range of the rounds]', ''];
  for (const { goal, ratio, range, verdict } of judged) {
    const number = ratio === undefined || range === undefined ? ''.padStart(7)
      : `${ratio.toFixed(2).padStart(7)}  [${range[0].toFixed(2)} .. ${range[1].toFixed(2)}]`;
    lines.push(`  ${goal.title.padEnd(62)} ${number.padEnd(24)}  goal ${goal.atMost.toFixed(2)}  ${verdict}`);
  }
  return `${lines.join('\n')}\n`;
}
