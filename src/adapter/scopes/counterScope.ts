import type { DebugProtocol } from '@vscode/debugprotocol';
import { exitReasons } from '../../hardware/vmx/exitReasons';
import { counterNames } from '../../language/program';
import { childrenOf, type Children } from '../children';
import { evaluateIn } from '../evaluation';
import type { Handles } from '../handles';
import type { HeldFrame, Launched } from '../sessionState';
import { watchable } from '../watchable';

/** Counts since the scenario's own first line, as decimal numbers: they are counted, not addressed. */
export function counterVariables(launched: Launched, held: HeldFrame, references: Handles<Children>): readonly DebugProtocol.Variable[] {
  const plain = counterNames.flatMap((name) => (name === 'exits.total' ? [] : counter(launched, held, name, expressionOf(name))));
  const total = counter(launched, held, 'exits', 'total.exits.total');
  const unfolding = total.map((row) => ({ ...row, variablesReference: references.give(childrenOf(() => exits(launched, held))) }));
  return [...unfolding, ...plain, ...estimate(launched, held, references)];
}

/** Exits by reason, those that happened. */
function exits(launched: Launched, held: HeldFrame): readonly DebugProtocol.Variable[] {
  return exitReasons.flatMap(({ key }) => counter(launched, held, key, `total.exits.${key}`).filter(({ value }) => value !== '0'));
}

/** The estimate, and below it what it comes from. */
function estimate({ inspector }: Launched, { cpu }: HeldFrame, references: Handles<Children>): readonly DebugProtocol.Variable[] {
  const causes = inspector.costs(cpu);
  const row = (name: string, value: string, variablesReference: number): DebugProtocol.Variable => (
    { name, value, type: 'estimate', variablesReference, presentationHint: { attributes: ['readOnly'] } }
  );
  const parts = (): readonly DebugProtocol.Variable[] => causes.map(({ cause, count, each, cycles }) => row(cause, `${cycles} = ${count} × ${each.cycles} (${each.mark})`, 0));
  return [row('estimated cycles', String(causes.reduce((sum, { cycles }) => sum + cycles, 0)), causes.length === 0 ? 0 : references.give(childrenOf(parts)))];
}

/** Table pages are counted as they stand, all else since the start. */
function expressionOf(name: string): string {
  return name.startsWith('table_pages.') ? name : `total.${name}`;
}

function counter(launched: Launched, held: HeldFrame, name: string, expression: string): readonly DebugProtocol.Variable[] {
  const result = evaluateIn(launched, held, expression);
  if ('error' in result) return [];
  const row: DebugProtocol.Variable = {
    name,
    value: result.value.toString(),
    type: 'counter',
    evaluateName: expression,
    variablesReference: 0,
    presentationHint: { attributes: ['readOnly'] },
  };
  return [watchable(row, held.cpu, expression)];
}
