import { COUNTER } from '../../hardware/state/counters';
import { LISTENED, setPair, type EventBus } from '../../hardware/events/eventBus';
import { ACTOR, KIND, SPACE, field } from '../../hardware/events/eventTable';
import { EntryChange } from '../../hardware/paging/entryChange';
import { frameOfAddress } from '../../hardware/memory/frameNumber';
import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import type { Processor } from '../../hardware/processor/processor';
import type { StoreObserver } from '../../hardware/processor/rootMode';
import { guestRoots, guestTablePages, type GuestTablePages } from '../questions/guestTablePages';
import type { ProcessTable } from './processTable';
import type { RunningVm } from './runningVm';

const PAGE_MASK = 0xfff;

/**
 * Tells a store to a paging-structure entry from any other, for `page_table_write`: the frame must be
 * a table of a known root, which is CR3's or a process's. Asked only while somebody listens.
 *
 * The set of table pages is kept from store to store and made anew when a store may have changed it.
 */
export class TableWatch implements StoreObserver {
  private tables: GuestTablePages | undefined;
  private known = '';
  private readonly change: EntryChange;

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly bus: EventBus,
    private readonly processor: Processor,
    /** That the processor is of. */
    private readonly vm: RunningVm,
    /** Roots of the scenario's processes, as the kernel library set them. */
    private readonly processes: ProcessTable,
  ) {
    this.change = new EntryChange(memory);
  }

  /** Time has moved without the watch: nothing kept is valid. */
  forget(): void {
    this.tables = undefined;
  }

  beforeStore(gvaLo: number, gvaHi: number, hpaLo: number, hpaHi: number, size: number): void {
    const { cpu } = this.processor;
    this.vm.technique.noteStore?.(hpaLo, hpaHi, cpu);
    if ((this.bus.on[KIND.page_table_write]! & LISTENED) === 0) return this.forget();
    const gfn = this.vm.technique.guestMemory.gfnOf(frameOfAddress(hpaLo, hpaHi));
    const level = gfn < 0 ? undefined : this.tablePages().get(gfn);
    if (level === undefined) return;
    const { change } = this;
    const { pending } = this.processor;
    change.foresee(pending, hpaLo, hpaHi, ((gvaLo ^ pending.gvaLo) & ~PAGE_MASK) === 0 ? 0 : pending.size - size, this.vm.technique.guestTables(cpu).format.entryBytes);
    const record = this.bus.begin(KIND.page_table_write, ACTOR.guest, cpu);
    setPair(record, field.old.at, change.oldLo, change.oldHi);
    setPair(record, field.value.at, change.newLo, change.newHi);
    setPair(record, field.gva.at, gvaLo, gvaHi);
    setPair(record, field.gpa.at, (gfn << 12) | (hpaLo & 0xfff), gfn >>> 20);
    setPair(record, field.address.at, (gfn << 12) | (hpaLo & 0xfff), gfn >>> 20);
    setPair(record, field.hpa.at, hpaLo, hpaHi);
    record[field.level.at] = level;
    record[field.size.at] = size;
    record[field.space.at] = SPACE.guest;
    this.bus.commit();
    this.tables = undefined;
  }

  private tablePages(): GuestTablePages {
    const { cpu } = this.processor;
    const roots = guestRoots(this.vm, [cpu], this.processes);
    const known = `${[...roots].join()}/${this.processor.counters[COUNTER.page_table_writes_trapped]!}`;
    if (this.tables === undefined || known !== this.known) {
      this.tables = guestTablePages(this.memory, this.vm.technique, cpu, roots);
      this.known = known;
    }
    return this.tables;
  }
}
