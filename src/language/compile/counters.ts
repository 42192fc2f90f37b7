import { exitReasons } from '../../hardware/vmx/exitReasons';
import type { Expr } from '../generated/ast';
import { COUNTER_SCOPE, EXIT_COUNTERS_AT, OP, counterNames } from '../program';
import { noteTechnique } from './asked';
import type { Body, Operand } from './body';

export interface CounterName {
  readonly number: number;
  /** `statement`: of the statement above, on this CPU; `total`: since the first line; `now`: as it stands. */
  readonly counts: 'statement' | 'total' | 'now';
}

const numbers = new Map<string, number>([
  ...counterNames.map((name, number) => [name, number] as const),
  ...exitReasons.map((reason) => [`exits.${reason.key}`, EXIT_COUNTERS_AT + reason.number] as const),
]);

/** Names of all counters that do not count one exit reason, for messages and completion. */
export const counterPaths: readonly string[] = counterNames;

/** What `exits.total`, `total.faults.hidden` or `table_pages.guest` counts; undefined for a path that is no counter. */
export function counterOf(path: readonly string[]): CounterName | undefined {
  const isTotal = path[0] === 'total';
  const name = (isTotal ? path.slice(1) : path).join('.');
  const number = numbers.get(name);
  if (number === undefined) return undefined;
  if (name.startsWith('table_pages.')) return isTotal ? undefined : { number, counts: 'now' };
  return { number, counts: isTotal ? 'total' : 'statement' };
}

/** Value of a counter where the expression stands. Guest control flow must not depend on the technique. */
export function compileCounter(body: Body, node: Expr, counter: CounterName, target?: number): Operand {
  noteTechnique(body, node, body.written(node));
  if (body.purpose === 'guest') return { type: 'number', constant: 0n };
  if (body.kind === 'host thread' && counter.counts === 'statement') return body.fail(node, 'no-cpu-counts', { written: body.written(node) });
  const { code } = body.unit;
  const result = target ?? body.allocate();
  if (counter.counts !== 'statement') {
    code.emit(OP.counter, result, counter.number, counter.counts === 'now' ? COUNTER_SCOPE.now : COUNTER_SCOPE.total);
    return { type: 'number', register: result };
  }
  code.emit(OP.counter, result, counter.number, COUNTER_SCOPE.cpu);
  if (body.isLooking || body.purpose === 'host') return { type: 'number', register: result };
  const before = body.judged?.counters.get(counter.number);
  if (before === undefined) return body.fail(node, 'nothing-above', { what: `\`${body.written(node)}\` counts` });
  code.emit(OP.subtract, result, result, before);
  return { type: 'number', register: result };
}
