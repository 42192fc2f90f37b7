import type { DebugProtocol } from '@vscode/debugprotocol';
import { registerNames } from '../../language/program';
import { childNamed } from '../children';
import { editableOf } from '../editable';
import type { HeldFrame, Launched, SessionState } from '../sessionState';
import { controlFieldOf } from '../watchable';
import type { ValueWatch } from './dataBreakpoint';

const registers: ReadonlySet<string> = new Set(registerNames);

/** Of a register or one of its bits: `cr3`, `cr0.WP`. */
export function isRegister(expression: string): boolean {
  return registers.has(expression.trim().split('.')[0] ?? '');
}

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
  const field = controlFieldOf(row);
  if (field !== undefined) return { kind: 'value', actor: field.actor, expression: field.name };
  const place = editableOf(row);
  if (place?.kind === 'cell') return { at: place.at, bytes: place.bytes };
  if (place !== undefined && held !== undefined) {
    const { expression } = place;
    const isGlobal = program.globals.some(({ name }) => name === expression);
    // An address in a variable is there to be followed; one in a register decides what the machine does.
    if (row.memoryReference !== undefined && !isRegister(expression)) return { at: row.memoryReference };
    if (isRegister(expression) || isGlobal || held.depth === 0) return { kind: 'value', actor: held.cpu, expression };
    const procedure = program.procedures[held.procedure]?.name ?? 'a procedure';
    return { error: `${row.name} is a variable of ${procedure}, and gone when that returns: break on a line of it with a condition such as ${row.name} != 0.` };
  }
  if (row.memoryReference !== undefined) return { at: row.memoryReference };
  if (row.evaluateName !== undefined) return { kind: 'value', actor: 0, expression: row.evaluateName };
  return { error: `"${row.name}" is worked out from other things: watch what it comes from, a register or the bytes of an entry.` };
}
