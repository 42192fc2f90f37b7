import type { Program } from '../program';
import { numberOf } from '../syntax/literals';
import type { Report } from './report';
import type { Declarations } from './sources';

const DEFAULT_STATEMENTS = 1000;

/** How CPUs take turns: `schedule every N` or `schedule random SEED`. */
export function scheduleOf(report: Report, scenario: Declarations): Program['schedule'] {
  const [first, ...more] = scenario.schedules;
  for (const { node, source } of more) report.say(source, node, 'schedule-twice');
  if (first === undefined) return { kind: 'every', statements: DEFAULT_STATEMENTS };
  const { node, source } = first;
  const image = node.every ?? node.seed ?? '';
  const value = numberOf(image);
  if (value === undefined || value > 0x7fff_ffffn || (node.every !== undefined && value === 0n)) {
    report.say(source, node, 'schedule-number', { image });
    return { kind: 'every', statements: DEFAULT_STATEMENTS };
  }
  return node.every === undefined ? { kind: 'random', seed: Number(value) } : { kind: 'every', statements: Number(value) };
}
