import type { DebugProtocol } from '@vscode/debugprotocol';
import { childNamed } from '../children';
import { editableOf } from '../editable';
import type { HeldFrame, Launched, SessionState } from '../sessionState';
import { watchOf } from '../watchable';
import type { ValueWatch } from './dataBreakpoint';
import { registerOf } from './registerReads';

/** A row of a container that a client holds, and the frame that the container is of. */
export interface AskedRow {
  readonly row: DebugProtocol.Variable;
  readonly held: HeldFrame | undefined;
}

/** The row of that name; undefined: it is gone. */
export function askedRow(state: SessionState, reference: number, name: string): AskedRow | undefined {
  const children = state.references.find(reference);
  const row = children === undefined ? undefined : childNamed(children, name);
  return row === undefined ? undefined : { row, held: children?.kind === 'named' ? children.held : undefined };
}

/** What is watched when somebody watches a row: the bytes that it shows or leads to, a value, or nothing, with the reason. */
export function rowWatch(
  { scenario: { program } }: Launched, { row, held }: AskedRow,
): { readonly at: string; readonly bytes?: number } | ValueWatch | { readonly error: string } {
  const watch = watchOf(row);
  if (watch !== undefined) return watch;
  const place = editableOf(row);
  if (place?.kind === 'cell') return { at: place.at, bytes: place.bytes };
  if (place !== undefined && held !== undefined) {
    const { expression } = place;
    const isGlobal = program.globals.some(({ name }) => name === expression);
    // An address in a variable is there to be followed; one in a register decides what the machine does.
    const isRegister = registerOf(expression) !== undefined;
    if (row.memoryReference !== undefined && !isRegister) return { at: row.memoryReference };
    if (isRegister || isGlobal || held.depth === 0) return { kind: 'value', actor: held.cpu, expression };
    const procedure = program.procedures[held.procedure]?.name ?? 'a procedure';
    return { error: `${row.name} is a variable of ${procedure}, and gone when that returns: break on a line of it with a condition such as ${row.name} != 0.` };
  }
  if (row.memoryReference !== undefined) return { at: row.memoryReference };
  return { error: `"${row.name}" is worked out from other things: watch what it comes from, a register or the bytes of an entry.` };
}
