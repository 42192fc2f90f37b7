import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Row, Rows } from '../../inspect/rows';
import type { Handles } from '../handles';
import { parseMemoryReference } from '../memoryReference';
import type { Children, ChildrenOf } from '../sessionState';

/** What a client is told of a container of many: it asks for a part at a time. */
export interface Container {
  readonly variablesReference: number;
  readonly indexedVariables?: number;
}

/** Rows of a read model, behind a reference. */
export function containerOf(rows: Rows, references: Handles<ChildrenOf>): Container {
  if (rows.kind === 'named') {
    return { variablesReference: references.give(() => rows.all().map((row) => variableOf(row, references))) };
  }
  const slice = (start: number, count: number): ReturnType<Children> => rows.slice(start, count).map((row) => variableOf(row, references));
  return { variablesReference: rows.count === 0 ? 0 : references.give({ count: rows.count, slice }), indexedVariables: rows.count };
}

/** A row whose value begins with an address, or whose name is one, can be looked at in memory. */
function variableOf({ name, value, below }: Row, references: Handles<ChildrenOf>): DebugProtocol.Variable {
  const address = [value.split(' ')[0] ?? '', name].find((text) => text.includes(':') && parseMemoryReference(text) !== undefined);
  return {
    name,
    value,
    presentationHint: { attributes: ['readOnly'] },
    ...(address === undefined ? {} : { memoryReference: address }),
    ...(below === undefined ? { variablesReference: 0 } : containerOf(below, references)),
  };
}
