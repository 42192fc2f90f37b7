import { ACTOR_AT, actors, CPU_AT, type EventKind, eventKinds, type Field, field, KIND_AT, tableSpaces } from './eventTable';
import { exitReasonOf } from '../vmx/exitReasons';
import { EPT4 } from '../paging/formats/ept4';
import { LONG5 } from '../paging/formats/long5';

/** A field's value, unsigned. */
export function eventValue(record: Int32Array, name: Field): bigint {
  const { at, words } = field[name];
  const lo = BigInt((record[at] ?? 0) >>> 0);
  return words === 1 ? lo : (BigInt((record[at + 1] ?? 0) >>> 0) << 32n) | lo;
}

/** The kind's row. */
export function eventKindOf(record: Int32Array): EventKind {
  const row: EventKind | undefined = eventKinds[record[KIND_AT] ?? -1];
  if (row === undefined) throw new Error(`invariant: event kind ${record[KIND_AT]} does not exist`);
  return row;
}

/** One line that says what happened. */
export function eventLine(record: Int32Array): string {
  const kind = eventKindOf(record);
  return kind.text.replace(/\{(\w+)\}/g, (_, name: Field) => fieldText(kind, record, name));
}

/**
 * An event's keys for `--trace`: cpu, actor, kind, then the kind's fields. Addresses and values are hex strings, counts
 * numbers; what has a name in the manuals (table space, exit reason, access) is that name, and `entry` names the level.
 */
export function eventJson(record: Int32Array): Record<string, string | number> {
  const kind = eventKindOf(record);
  const json: Record<string, string | number> = {
    cpu: record[CPU_AT] ?? 0, actor: actors[record[ACTOR_AT] ?? 0] ?? '', kind: kind.name,
  };
  for (const name of kind.fields) {
    const value = eventValue(record, name);
    const entry = name === 'level' ? levelName(record) : undefined;
    if (name === 'reason') json[name] = exitReasonOf(Number(value))?.key ?? Number(value);
    else if (name === 'space') json[name] = tableSpaces[Number(value)] ?? Number(value);
    else if (name === 'what') json[name] = kind.what?.[Number(value)] ?? Number(value);
    else json[name] = field[name].print === 'count' ? Number(BigInt.asIntN(32, value)) : `0x${value.toString(16)}`;
    if (entry !== undefined && kind.fields.includes('space')) json['entry'] = entry;
  }
  return json;
}

/** A set of tables as people call it: `EPT`, where the trace's key is `ept`. */
export function tablesTitle(space: number): string {
  const name = tableSpaces[space] ?? String(space);
  return name === 'ept' || name === 'npt' ? name.toUpperCase() : name;
}

/** `EPT PDE`: the name of an entry of a level in a set of tables; undefined where there is none. */
export function entryName(space: number, level: number): string | undefined {
  const name = tableSpaces[space];
  const names = name === 'ept' ? EPT4.levelNames : LONG5.levelNames;
  const entry = level === 0 ? undefined : names[level];
  if (entry === undefined) return undefined;
  return name === 'npt' ? `nested ${entry}` : entry;
}

function fieldText(kind: EventKind, record: Int32Array, name: Field): string {
  const value = eventValue(record, name);
  switch (name) {
    case 'reason': return exitReasonOf(Number(value))?.name ?? `reason ${value}`;
    case 'space': return tablesTitle(Number(value));
    case 'what': return kind.what?.[Number(value)] ?? value.toString();
    case 'level': return levelName(record) ?? value.toString();
    case 'size': return `${value} ${value === 1n ? 'byte' : 'bytes'}`;
    default: {
      const { print } = field[name];
      if (print === 'count') return BigInt.asIntN(32, value).toString();
      return print === 'hex' ? `0x${value.toString(16)}` : `${print}:0x${value.toString(16)}`;
    }
  }
}

function levelName(record: Int32Array): string | undefined {
  const kind = eventKindOf(record);
  if (!kind.fields.includes('space')) return undefined;
  return entryName(Number(eventValue(record, 'space')), Number(eventValue(record, 'level')));
}
