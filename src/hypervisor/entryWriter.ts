import { KIND, field } from '../hardware/events/eventTable';
import { setPair, type EventBus } from '../hardware/events/eventBus';
import type { HostReach } from './hostReach';

/**
 * The one place where hypervisor and host write an 8-byte paging-structure entry: it changes the
 * two words in host-physical memory and says so (`entry_written`), so that the events add up to
 * the tables.
 */
export class EntryWriter {
  constructor(
    private readonly memory: HostReach,
    private readonly bus: EventBus,
  ) {}

  /**
   * Writes (lo, hi) into entry `index` of the table in host frame `table`. `space` is a `SPACE`,
   * `actor` an `ACTOR`.
   */
  write(space: number, actor: number, cpu: number, level: number, table: number, index: number, lo: number, hi: number): void {
    const atLo = (table << 12) | (index << 3);
    const atHi = table >>> 20;
    if (this.bus.on[KIND.entry_written]) {
      const record = this.bus.begin(KIND.entry_written, actor, cpu);
      record[field.space.at] = space;
      record[field.level.at] = level;
      record[field.index.at] = index;
      setPair(record, field.hpa.at, atLo, atHi);
      setPair(record, field.address.at, atLo, atHi);
      setPair(record, field.value.at, lo, hi);
      setPair(record, field.old.at, this.memory.load32(atLo, atHi), this.memory.load32(atLo | 4, atHi));
      this.bus.commit();
    }
    this.memory.store64(atLo, atHi, lo, hi);
  }

  lo(table: number, index: number): number {
    return this.memory.load32((table << 12) | (index << 3), table >>> 20);
  }

  hi(table: number, index: number): number {
    return this.memory.load32((table << 12) | (index << 3) | 4, table >>> 20);
  }

  /** Makes a frame a table of entries that are not present, each with this high half: no entry is thereby written. */
  fillTable(frame: number, absentHi: number): void {
    this.zeroFrame(frame);
    if (absentHi === 0) return;
    for (let offset = 4; offset < 4096; offset += 8) this.memory.store32((frame << 12) | offset, frame >>> 20, absentHi);
  }

  /** Zeroes a frame before it becomes a table or a page: no entry is thereby written. */
  zeroFrame(frame: number): void {
    const hi = frame >>> 20;
    this.memory.touch(frame, 'write');
    for (let at = this.memory.nextSetWord(frame, 0); at >= 0; at = this.memory.nextSetWord(frame, at + 4)) {
      this.memory.store32((frame << 12) | at, hi, 0);
    }
  }
}
