import { SYSTEM_ACCESS } from '../../hardware/delivery/systemAccessKinds';
import { KIND, KIND_AT, field } from '../../hardware/events/eventTable';
import { OPERATION } from '../../hardware/paging/accessKinds';

const ENTRY_BYTES = 8;
const PAGE_BYTES = 4096;

/** How events of a kind tell of a write to the host-physical memory at their `hpa`. */
interface Teller {
  /** Whether memory has its new contents at the event, or only behind it. */
  readonly written: 'by the event' | 'behind the event';
  /** Bytes that were written; undefined: as many as `size` says. */
  readonly bytes?: number;
  /** Which of the kind's events write; left out: all. */
  readonly writes?: (record: Int32Array) => boolean;
}

/** Which events tell of writes to memory. What is written without one is told from the contents alone. */
const tellers: Readonly<Partial<Record<number, Teller>>> = {
  [KIND.access_done]: { written: 'by the event', writes: isStore },
  [KIND.implicit_access]: { written: 'by the event', writes: (record) => record[field.what.at] === SYSTEM_ACCESS.push },
  [KIND.ad_update]: { written: 'by the event', bytes: ENTRY_BYTES },
  [KIND.entry_written]: { written: 'behind the event', bytes: ENTRY_BYTES },
  [KIND.page_modification_logged]: { written: 'by the event', bytes: ENTRY_BYTES },
  [KIND.page_copied]: { written: 'by the event', bytes: PAGE_BYTES },
  [KIND.swap_read]: { written: 'by the event', bytes: PAGE_BYTES },
};

function isStore(record: Int32Array): boolean {
  const operation = record[field.what.at];
  return operation === OPERATION.store || operation === OPERATION.readModifyWrite;
}

/** Whether an event tells of a write to some of the `bytes` at a host-physical address, which is below 2^52. */
export function tellsOfWrite(record: Int32Array, address: number, bytes: number): Teller['written'] | undefined {
  const teller = tellers[record[KIND_AT]!];
  if (teller === undefined || teller.writes?.(record) === false) return undefined;
  const from = record[field.hpa.at + 1]! * 4294967296 + (record[field.hpa.at]! >>> 0);
  const end = from + (teller.bytes ?? record[field.size.at]!);
  return from < address + bytes && address < end ? teller.written : undefined;
}
