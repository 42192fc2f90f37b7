import { ACTOR_AT, CPU_AT, actors } from '../hardware/events/eventTable';
import { eventKindOf, eventLine, eventValue } from '../hardware/events/eventText';
import type { EventView } from './debuggee';

/** A raw record as people and clients read it. */
export function viewEvent(record: Int32Array): EventView {
  const kind = eventKindOf(record);
  const fields: Record<string, bigint> = {};
  for (const name of kind.fields) fields[name] = eventValue(record, name);
  return {
    kind: kind.name,
    actor: actors[record[ACTOR_AT]!] ?? '',
    cpu: record[CPU_AT]!,
    fields,
    text: eventLine(record),
  };
}
