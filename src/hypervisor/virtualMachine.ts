import type { EventBus } from '../hardware/events/eventBus';
import { ACTOR, SPACE } from '../hardware/events/eventTable';
import type { PhysicalMemory } from '../hardware/memory/physicalMemory';
import type { Processor } from '../hardware/processor/processor';
import type { Registry } from '../hardware/state/registry';
import { TranslationSpace } from '../hardware/paging/translationSpace';
import { pdptesOf } from './guestRegisters';
import { EntryWriter } from './entryWriter';
import { getUserPages, type HostMemoryManager } from './host/getUserPages';
import { HostFrames } from './host/hostFrames';
import { HostProcess } from './host/hostProcess';
import { ListingRunner } from './listing';
import { makeMsrBitmap } from './msrBitmap';
import { Memslots } from './memslots';
import { SlotAddressing, SlotMemory } from './slotMemory';
import { VcpuState } from './vcpuState';

/** HVA >> 12 at which the VMM process has the guest's RAM mapped: where mmap puts it on Linux. */
const RAM_HVA_PAGE = 0x7f0000000;

/** A run of guest frames with memory. */
export interface GuestSlot {
  readonly frame: number;
  readonly frames: number;
}

/** What a machine is made of, before any hypervisor. */
export interface Host {
  readonly registry: Registry;
  readonly memory: PhysicalMemory;
  readonly bus: EventBus;
  readonly processors: readonly Processor[];
  readonly maxphyaddr: number;
  /** VPID in use: a VM exit or entry then leaves the TLB alone. */
  readonly tags: 'on' | 'off';
  readonly hostFrames: number;
  /** Slots with memory, ascending. */
  readonly slots: readonly GuestSlot[];
}

/**
 * What every hypervisor here has: the VM's memslots, the host process behind them with its frames
 * and page table, one state per virtual CPU, and the guest's tables as software walks them.
 */
export class VirtualMachine {
  readonly frames: HostFrames;
  readonly writer: EntryWriter;
  readonly slots: Memslots;
  readonly memory: SlotMemory;
  readonly vcpus: readonly VcpuState[];
  /** The guest's tables of each CPU, for the hypervisor's walks (events by the VMM). */
  readonly guestTables: readonly TranslationSpace[];
  readonly hostListing: ListingRunner<HostMemoryManager>;
  /** Depth of running listing procedures, shared by all listings of the machine. */
  readonly depth = { value: 0 };
  /** Host frame of the MSR bitmaps. */
  readonly msrBitmap: number;

  constructor(readonly host: Host) {
    const { registry, memory, bus } = host;
    this.frames = new HostFrames(registry, host.hostFrames, bus);
    this.writer = new EntryWriter(memory, bus);
    this.msrBitmap = makeMsrBitmap(memory);
    const process = new HostProcess(memory, bus, this.frames, this.writer, host.maxphyaddr);
    const manager: HostMemoryManager = { process, frames: this.frames, writer: this.writer, bus, cpu: 0, gfn: 0, frame: 0 };
    this.hostListing = new ListingRunner('host.vmm', 'host', 0, [getUserPages], bus, this.depth);
    this.slots = new Memslots(registry, bus);
    for (const { frame, frames } of host.slots) this.slots.add(frame, frames, RAM_HVA_PAGE + frame);
    this.memory = new SlotMemory(this.slots, manager, this.hostListing);
    this.vcpus = host.processors.map((_, cpu) => new VcpuState(registry, cpu));
    this.guestTables = host.processors.map(({ features, registers }, cpu) => new TranslationSpace({
      memory, bus, tableSpace: SPACE.guest, actor: ACTOR.vmm, cpu, maxphyaddr: host.maxphyaddr, features, tables: new SlotAddressing(this.memory),
      topEntries: pdptesOf(registers),
    }));
  }

  /** First sentence of what stopped the VM, from any of its CPUs. */
  stopOf(): number {
    return this.vcpus.find((vcpu) => vcpu.stop !== 0)?.stop ?? 0;
  }
}
