import type { EventBus } from '../../src/hardware/events/eventBus';
import { field, KIND, KIND_AT } from '../../src/hardware/events/eventTable';

/** Words of one packed event: kind and level, host-physical address, entry (pairs), linear address. */
const EVENT_WORDS = 8;
const RING_EVENTS = 1 << 13;

/** Packs every reference of every walk into a ring of words, as a recorder of events does. */
export function ring(bus: EventBus): Int32Array {
  const words = new Int32Array(RING_EVENTS * EVENT_WORDS);
  let at = 0;
  bus.listen((record) => {
    words[at] = (record[KIND_AT]! << 8) | record[field.level.at]!;
    words[at + 1] = record[field.index.at]!;
    words[at + 2] = record[field.hpa.at]!;
    words[at + 3] = record[field.hpa.at + 1]!;
    words[at + 4] = record[field.value.at]!;
    words[at + 5] = record[field.value.at + 1]!;
    words[at + 6] = record[field.gva.at]!;
    words[at + 7] = record[field.gva.at + 1]!;
    at = (at + EVENT_WORDS) & (words.length - 1);
  }, [KIND.table_read]);
  return words;
}
