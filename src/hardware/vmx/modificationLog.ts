import { BUS_ACCESS } from '../memory/busAccess';
import { reportBusError } from '../events/busEvents';
import { type EventBus, setPair } from '../events/eventBus';
import { ACTOR, field, KIND } from '../events/eventTable';
import type { PhysicalMemory } from '../memory/physicalMemory';
import { VMCS } from './vmcs';

const ENTRY_SHIFT = 3;
const LAST_ENTRY = 511;
/** The index is a field of 16 bits. */
const INDEX_MASK = 0xffff;
const PAGE_MASK = 0xfff;

/** Whoever is told of dirty flags of EPT that are set. */
export interface ModificationLogging {
  /** Is the PML index outside 0 to 511? Asked before an EPT accessed or dirty flag is set. */
  isFull(): boolean;
  /** Writes the page of a guest-physical address into the log, which is not full, and counts the index down. */
  append(gpaLo: number, gpaHi: number): void;
}

/**
 * The page-modification log of a virtual processor: 512 guest-physical addresses in a page that the VMCS names, filled
 * from the last entry down. SDM Vol. 3, "Page-Modification Logging".
 */
export class ModificationLog implements ModificationLogging {
  constructor(
    private readonly vmcs: Int32Array, private readonly memory: PhysicalMemory, private readonly bus: EventBus,
    private readonly cpu: number,
  ) {}

  isFull(): boolean {
    return this.index > LAST_ENTRY;
  }

  append(gpaLo: number, gpaHi: number): void {
    const { vmcs, memory, bus, index } = this;
    const pageLo = gpaLo & ~PAGE_MASK;
    const hpaLo = (vmcs[VMCS.pml_address]! & ~PAGE_MASK) | (index << ENTRY_SHIFT);
    const hpaHi = vmcs[VMCS.pml_address + 1]!;
    reportBusError(memory, bus, this.cpu, hpaLo, hpaHi, BUS_ACCESS.modificationLog);
    memory.store32(hpaLo, hpaHi, pageLo);
    memory.store32(hpaLo + 4, hpaHi, gpaHi);
    vmcs[VMCS.pml_index] = (index - 1) & INDEX_MASK;
    if (bus.on[KIND.page_modification_logged] === 0) return;
    const record = bus.begin(KIND.page_modification_logged, ACTOR.walker, this.cpu);
    setPair(record, field.gpa.at, pageLo, gpaHi);
    setPair(record, field.hpa.at, hpaLo, hpaHi);
    record[field.index.at] = index;
    bus.commit();
  }

  private get index(): number {
    return this.vmcs[VMCS.pml_index]! & INDEX_MASK;
  }
}
