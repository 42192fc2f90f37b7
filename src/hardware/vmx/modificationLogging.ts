import { type EventBus, setPair } from '../events/eventBus';
import { field, KIND } from '../events/eventTable';

const ENTRY_SHIFT = 3;
const LAST_ENTRY = 511;
/** The index is a field of 16 bits. */
const INDEX_MASK = 0xffff;
const PAGE_MASK = 0xfff;

/**
 * A page-modification log: 512 guest-physical addresses in a page that a VMCS names, filled from the last entry down. Told of
 * dirty flags of EPT that are set. Where VMCS and page are is its keeper's. SDM Vol. 3, "Page-Modification Logging".
 */
export abstract class ModificationLogging {
  /** Of the entry written last: its host-physical address, for the event. */
  protected hpaLo = 0;
  protected hpaHi = 0;

  /** `actor`: the `ACTOR` that keeps it. */
  constructor(protected readonly bus: EventBus, private readonly actor: number, protected readonly cpu: number) {}

  /** Low half of the VMCS field. */
  protected abstract get index(): number;
  /** The VMCS field, a pair. */
  protected abstract get pageLo(): number;
  protected abstract get pageHi(): number;
  /** Writes an entry at an address by the page's field, and leaves in `hpaLo`, `hpaHi` where it lies; then the index. */
  protected abstract write(lo: number, hi: number, gpaLo: number, gpaHi: number, nextIndex: number): void;

  /** Is the PML index outside 0 to 511? Asked before an EPT accessed or dirty flag is set. */
  isFull(): boolean {
    return (this.index & INDEX_MASK) > LAST_ENTRY;
  }

  /** Writes the page of a guest-physical address into the log, which is not full, and counts the index down. */
  append(gpaLo: number, gpaHi: number): void {
    const { bus } = this;
    const index = this.index & INDEX_MASK;
    const loggedLo = gpaLo & ~PAGE_MASK;
    this.write((this.pageLo & ~PAGE_MASK) | (index << ENTRY_SHIFT), this.pageHi, loggedLo, gpaHi, (index - 1) & INDEX_MASK);
    if (bus.on[KIND.page_modification_logged] === 0) return;
    const record = bus.begin(KIND.page_modification_logged, this.actor, this.cpu);
    setPair(record, field.gpa.at, loggedLo, gpaHi);
    setPair(record, field.hpa.at, this.hpaLo, this.hpaHi);
    record[field.index.at] = index;
    bus.commit();
  }
}
