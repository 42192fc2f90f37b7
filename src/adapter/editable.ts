import type { DebugProtocol } from '@vscode/debugprotocol';

/** Where what a row shows lies, so that a person can give it another value. */
export type Editable =
  /** What an expression names in the frame that the row's container is of. */
  | { readonly kind: 'expression'; readonly expression: string }
  /** Bytes of memory at a reference, or some bits of them; looked at from the frame of `cpu`. */
  | { readonly kind: 'cell'; readonly cpu: number; readonly at: string; readonly bytes: number; readonly bits?: readonly [high: number, low: number]; readonly isAddress?: boolean };

/** On the row itself, under a name that no transport sends. */
const PLACE = Symbol('where the row lies');
type Marked = DebugProtocol.Variable & { [PLACE]?: Editable };

/** The row can be edited, and says so by not being read-only. */
export function editable(row: DebugProtocol.Variable, place: Editable): DebugProtocol.Variable {
  const { presentationHint } = row;
  if (presentationHint === undefined) return markedWith(row, place);
  const attributes = presentationHint.attributes?.filter((attribute) => attribute !== 'readOnly') ?? [];
  const hint = { ...presentationHint, attributes };
  const { presentationHint: _, ...rest } = row;
  return markedWith(attributes.length === 0 && Object.keys(hint).length === 1 ? rest : { ...rest, presentationHint: hint }, place);
}

function markedWith(row: Marked, place: Editable): DebugProtocol.Variable {
  row[PLACE] = place;
  return row;
}

/** Undefined: the row is worked out from other things. */
export function editableOf(row: DebugProtocol.Variable): Editable | undefined {
  return (row as Marked)[PLACE];
}
