import type { DebugProtocol } from '@vscode/debugprotocol';

/** A field of a CPU's control block, as a data breakpoint names it: `vmcs field eptp`. */
export interface ControlField {
  readonly actor: number;
  readonly name: string;
}

/** The protocol has no place for it in a row, and a client names a row by its parent and name alone. */
const fields = new WeakMap<DebugProtocol.Variable, ControlField>();

/** The row, which shows a field of the control block that a CPU runs by: in no memory, and in no expression. */
export function ofControlBlock(row: DebugProtocol.Variable, field: ControlField): DebugProtocol.Variable {
  fields.set(row, field);
  return row;
}

export function controlFieldOf(row: DebugProtocol.Variable): ControlField | undefined {
  return fields.get(row);
}
