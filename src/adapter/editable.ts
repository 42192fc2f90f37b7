import type { DebugProtocol } from '@vscode/debugprotocol';
import type { DecodedEntry } from '../hardware/paging/decodeEntry';

/** Where what a row shows lies, so that a person can give it another value. */
export type Editable =
  /** What an expression names in the frame that the row's container is of. */
  | { readonly kind: 'expression'; readonly expression: string }
  /** Bytes of memory at a reference, or some bits of them; looked at from the frame of `cpu`. `entry`: what they are, as the row shows it. */
  | { readonly kind: 'cell'; readonly cpu: number; readonly at: string; readonly bytes: number; readonly bits?: readonly [high: number, low: number]; readonly isAddress?: boolean; readonly entry?: DecodedEntry };

/** On the row itself, under a name that no transport sends. */
const PLACE = Symbol('where the row lies');
type Marked = DebugProtocol.Variable & { [PLACE]?: Editable };

/**
 * The row can be edited, and says so by not being read-only. With a `refusal`, why nothing could be put there at this moment,
 * it is read-only and still known by its place: who edits it nevertheless is told that sentence.
 */
export function editable(row: DebugProtocol.Variable, place: Editable, refusal?: string): DebugProtocol.Variable {
  const { presentationHint } = row;
  if (refusal !== undefined) return markedWith({ ...row, presentationHint: { ...presentationHint, attributes: ['readOnly'] } }, place);
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
