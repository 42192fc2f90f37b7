import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Row, Rows } from '../../inspect/rows';
import { childrenOf, type IndexedChildren } from '../children';
import { editable } from '../editable';
import { cpusOf, memoryReference, ownerOf, parseMemoryReference } from '../memoryReference';
import { writerLocated } from '../locations';
import type { Launched, SessionState } from '../sessionState';
import { watchable } from '../watchable';

/** What rows take the numbers from that a client holds. `cpu`: from whose frame they are looked at. */
export interface Handing {
  readonly state: SessionState;
  readonly cpu: number;
}

/** What a client is told of a container of many: it asks for a part at a time. */
export interface Container {
  readonly variablesReference: number;
  readonly indexedVariables?: number;
}

/** Rows of a read model, behind a reference. */
export function containerOf(rows: Rows, handing: Handing): Container {
  const { references } = handing.state;
  if (rows.kind === 'named') return { variablesReference: references.give(childrenOf(() => rows.all().map((row) => variableOf(row, handing)))) };
  const { count } = rows;
  const children: IndexedChildren = {
    kind: 'indexed',
    count,
    slice: (start, length) => rows.slice(start, length).map((row) => variableOf(row, handing)),
    find: (name) => {
      const row = rows.find(name);
      return row === undefined ? undefined : variableOf(row, handing);
    },
  };
  return { variablesReference: count === 0 ? 0 : references.give(children), indexedVariables: count };
}

/** A row whose value begins with an address, or whose name is one, can be looked at in memory. */
function variableOf({ name, value, cell, field, below }: Row, handing: Handing): DebugProtocol.Variable {
  const { state: { launched, client, locations }, cpu } = handing;
  const address = cell?.at ?? shownAddress(launched, cpu, [value.split(' ')[0] ?? '', name]);
  const row: DebugProtocol.Variable = {
    name,
    value,
    presentationHint: { attributes: ['readOnly'] },
    ...(address === undefined ? {} : { memoryReference: address }),
    ...(cell === undefined || launched === undefined ? {} : { valueLocationReference: locations.give(writerLocated(launched, client, cell, cpu)) }),
    ...(below === undefined ? { variablesReference: 0 } : containerOf(below, handing)),
  };
  if (field !== undefined) return watchable(row, cpu, field);
  return cell === undefined ? row : editable(row, { kind: 'cell', cpu, ...cell }, launched === undefined ? undefined : whyNoCell(launched, cell, cpu));
}

/** The first of these texts that is an address: where it does not say whose, it is one of the VM that it is looked at from. */
function shownAddress(launched: Launched | undefined, cpu: number, texts: readonly string[]): string | undefined {
  for (const text of texts) {
    const place = text.includes(':') ? parseMemoryReference(text) : undefined;
    if (place !== undefined) return launched === undefined || place.vm !== undefined ? text : memoryReference({ ...place, ...ownerOf(launched.scenario.program, cpu) });
  }
  return undefined;
}

function whyNoCell({ debuggee, scenario: { program } }: Launched, { at, bytes }: NonNullable<Row['cell']>, cpu: number): string | undefined {
  const place = parseMemoryReference(at);
  if (place === undefined) return undefined;
  const whose = place.vm === undefined ? cpu : cpusOf(program, place.vm)?.[0] ?? cpu;
  return debuggee.editableBytes(whose, place.space, place.address, bytes).refusal;
}
