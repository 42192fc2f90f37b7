import { exitReasons } from '../vmx/exitReasons';
import { ACTOR_AT, actors, CPU_AT, eventKinds, field, KIND_AT, RECORD_WORDS, tableSpaces, type EventKind, type Field } from './eventTable';

type Json = Readonly<Record<string, unknown>>;

/**
 * A record that gives this line of `--trace`, so that a recorded trace reads as a live one does (`eventLine`); undefined for
 * what is no such line. A listing line's named values are not in the trace, and 0 here.
 */
export function recordOfJson(json: Json): Int32Array | undefined {
  const kind = eventKinds.findIndex(({ name }) => name === json['kind']);
  const row: EventKind | undefined = eventKinds[kind];
  const actor = actors.findIndex((name) => name === json['actor']);
  if (row === undefined || actor < 0 || typeof json['cpu'] !== 'number') return undefined;
  const record = new Int32Array(RECORD_WORDS);
  record[KIND_AT] = kind;
  record[ACTOR_AT] = actor;
  record[CPU_AT] = json['cpu'];
  for (const name of row.fields) {
    const value = fieldOfJson(row, name, json[name]);
    if (value === undefined) return undefined;
    const { at, words } = field[name];
    record[at] = Number(BigInt.asIntN(32, value));
    if (words === 2) record[at + 1] = Number(BigInt.asIntN(32, value >> 32n));
  }
  return record;
}

function fieldOfJson(kind: EventKind, name: Field, value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined;
  if (typeof value !== 'string') return undefined;
  if (/^0x[0-9a-f]{1,16}$/.test(value)) return BigInt(value);
  const index = indexOfName(kind, name, value);
  return index === undefined || index < 0 ? undefined : BigInt(index);
}

/** Number of what the manuals have a name for. */
function indexOfName(kind: EventKind, name: Field, word: string): number | undefined {
  switch (name) {
    case 'reason': return exitReasons.find(({ key }) => key === word)?.number;
    case 'space': return tableSpaces.findIndex((space) => space === word);
    case 'what': return kind.what?.indexOf(word);
    default: return undefined;
  }
}
