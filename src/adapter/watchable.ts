import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ValueWatch } from './breakpoints/dataBreakpoint';

/** On the row itself, under a name that no transport sends: a client names a row by its parent and name alone. */
const WATCH = Symbol('what is watched when the row is');
type Marked = DebugProtocol.Variable & { [WATCH]?: ValueWatch };

/** The row, which shows a value that lies in no memory and no variable: a counter of a CPU's VM, or a field of the control block that a CPU runs by. */
export function watchable(row: DebugProtocol.Variable, actor: number, expression: string): DebugProtocol.Variable {
  const marked: Marked = row;
  marked[WATCH] = { kind: 'value', actor, expression };
  return marked;
}

export function watchOf(row: DebugProtocol.Variable): ValueWatch | undefined {
  return (row as Marked)[WATCH];
}
