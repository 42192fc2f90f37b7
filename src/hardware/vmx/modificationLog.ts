import { BUS_ACCESS } from '../memory/busAccess';
import { reportBusError } from '../events/busEvents';
import type { EventBus } from '../events/eventBus';
import { ACTOR } from '../events/eventTable';
import type { PhysicalMemory } from '../memory/physicalMemory';
import { ModificationLogging } from './modificationLogging';
import { VMCS } from './vmcs';

/** The log of a virtual processor, which the processor keeps in host-physical memory. */
export class ModificationLog extends ModificationLogging {
  constructor(private readonly vmcs: Int32Array, private readonly memory: PhysicalMemory, bus: EventBus, cpu: number) {
    super(bus, ACTOR.walker, cpu);
  }

  protected get index(): number { return this.vmcs[VMCS.pml_index]!; }
  protected get pageLo(): number { return this.vmcs[VMCS.pml_address]!; }
  protected get pageHi(): number { return this.vmcs[VMCS.pml_address + 1]!; }

  protected write(lo: number, hi: number, gpaLo: number, gpaHi: number, nextIndex: number): void {
    const { memory } = this;
    reportBusError(memory, this.bus, this.cpu, lo, hi, BUS_ACCESS.modificationLog);
    memory.store32(lo, hi, gpaLo);
    memory.store32(lo + 4, hi, gpaHi);
    this.hpaLo = lo;
    this.hpaHi = hi;
    this.vmcs[VMCS.pml_index] = nextIndex;
  }
}
