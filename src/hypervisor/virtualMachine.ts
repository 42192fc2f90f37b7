import { ACTOR, SPACE } from '../hardware/events/eventTable';
import type { Processor } from '../hardware/processor/processor';
import type { StateClaims } from '../hardware/state/registry';
import { TranslationSpace } from '../hardware/paging/translationSpace';
import { pdptesOf } from './guestRegisters';
import { DirectBacking } from './directBacking';
import { DirtyLog } from './dirtyLog';
import type { EntryWriter } from './entryWriter';
import { HostMemoryManager, type HostMapping } from './host/hostMemoryManager';
import { HostProcess } from './host/hostProcess';
import { MmuNotifier } from './host/mmuNotifier';
import { HostVirtualBacking } from './hostVirtualBacking';
import { OwnedFrames } from './host/ownedFrames';
import type { ListingRunner } from './listing';
import { Memslots } from './memslots';
import { PerCpu } from './perCpu';
import type { PhysicalHost } from './physicalHost';
import { mapAllMemory } from './sabotage';
import type { SlotBacking } from './slotBacking';
import { SlotKeeper } from './slotKeeper';
import { SlotAddressing, SlotMemory } from './slotMemory';
import { STOP_REASON, stopReasons, VcpuState } from './vcpuState';

/** A run of guest frames with memory. */
export interface GuestSlot {
  readonly frame: number;
  readonly frames: number;
  readonly kind: 'ram' | 'rom';
  /** Its number among the slot names of its VM: the id by which the VMM process speaks of it. */
  readonly id: number;
}

/** What sets one VM apart from the others on its host. */
export interface VmParts {
  /** Its number, from 0: it owns the host frames that it is given. */
  readonly number: number;
  /** Its CPUs, whose numbers on the machine run on without a gap. */
  readonly processors: readonly Processor[];
  /** Slots with memory, ascending. */
  readonly slots: readonly GuestSlot[];
  /** Runs of guest frames that are MMIO by their settings, and that no slot may cover. */
  readonly devices: readonly { readonly frame: number; readonly frames: number }[];
}

/**
 * What every hypervisor here has of one VM: its memslots, the host process behind them with its page table, one state
 * per virtual CPU, and the guest's tables as software walks them. Several VMs share a `PhysicalHost`.
 */
export class VirtualMachine {
  readonly number: number;
  readonly processors: readonly Processor[];
  /** Where state of this VM's is claimed: names may be the same in each VM. */
  readonly registry: StateClaims;
  /** The host's frames; what is allocated here is this VM's. */
  readonly frames: OwnedFrames;
  readonly writer: EntryWriter;
  readonly slots: Memslots;
  /** Which pages of logged slots have been written. */
  readonly dirty: DirtyLog;
  readonly memory: SlotMemory;
  /** Changes the slots at run time. */
  readonly slotKeeper: SlotKeeper;
  /** How the host tells this VM's hypervisor that a page is about to change. */
  readonly notifier: MmuNotifier;
  readonly vcpus: PerCpu<VcpuState>;
  /** The guest's tables of each CPU, for the hypervisor's walks (events by the VMM). */
  readonly guestTables: PerCpu<TranslationSpace>;

  constructor(readonly host: PhysicalHost, { number, processors, slots, devices }: VmParts) {
    const { memory, bus, maxphyaddr, writer } = host;
    this.number = number;
    this.processors = processors;
    this.registry = number === 0 ? host.registry : host.registry.room(`vm${number}.`);
    this.frames = new OwnedFrames(host.frames, number);
    this.writer = writer;
    const process = host.pages.backing === 'direct' ? undefined : new HostProcess(memory, bus, this.frames, writer, maxphyaddr, host.reach);
    this.slots = new Memslots(this.registry, bus);
    this.dirty = new DirtyLog(this.registry, this.slots, bus);
    this.notifier = new MmuNotifier(this.registry, this.slots, bus);
    const manager = process === undefined ? undefined : this.managerOf(process);
    const backing = manager === undefined ? new DirectBacking(this.slots, this.frames, writer) : new HostVirtualBacking(this.slots, manager);
    this.addFirstSlots(backing, slots);
    if (host.sabotage === 'identity_map_all') mapAllMemory(this.slots, process, Math.max(...slots.map((slot) => slot.frame + slot.frames)), host.installed);
    this.slotKeeper = new SlotKeeper(host, this.slots, this.dirty, devices, backing);
    this.memory = new SlotMemory(this.slots, backing, manager, this.notifier, this.dirty, host.reach);
    this.vcpus = new PerCpu(processors, ({ cpu }) => new VcpuState(host.registry, cpu));
    this.guestTables = new PerCpu(processors, (processor) => this.guestSpace(processor, pdptesOf(processor.registers)));
  }

  /** The guest's tables of a CPU, for the hypervisor's walks; `pdptes`: where the guest's PDPTE registers are. */
  guestSpace({ cpu, features }: Processor, pdptes: Int32Array): TranslationSpace {
    const { memory, bus, maxphyaddr } = this.host;
    return new TranslationSpace({
      memory, bus, tableSpace: SPACE.guest, actor: ACTOR.vmm, cpu, maxphyaddr, features, tables: new SlotAddressing(this.memory, cpu), topEntries: pdptes,
    });
  }

  /** `host.vmm`, the same for all VMs. */
  get hostListing(): ListingRunner<HostMemoryManager> {
    return this.host.listing;
  }

  private managerOf(process: HostProcess): HostMemoryManager {
    const { host, number, frames, notifier } = this;
    const manager = new HostMemoryManager(number, process, frames, host.pages, notifier, () => this.mappings());
    manager.runner = host.listing;
    return manager;
  }

  private addFirstSlots(backing: SlotBacking, slots: readonly GuestSlot[]): void {
    for (const { frame, frames, kind, id } of slots) {
      const place = backing.firstPlace(frame, frames);
      if (place === undefined) throw new Error('invariant: a VM was let through whose slots host memory has no frames for');
      this.slots.add({ id, baseGfn: frame, pages: frames, place, kind });
    }
  }

  /** What of the VMM process's addresses is the guest's memory. */
  private mappings(): readonly HostMapping[] {
    const { slots } = this;
    return Array.from({ length: slots.count }, (_, slot) => ({ hvaPage: slots.hvaPage(slot, slots.baseGfn(slot)), pages: slots.pages(slot) }));
  }

  /** First sentence of what stopped the VM, from any of its CPUs. */
  stopOf(): number {
    return [...this.vcpus].find((vcpu) => vcpu.stop !== 0)?.stop ?? 0;
  }

  /** What stopped it, as a clause; '' while nothing has. */
  stopReason(): string {
    return stopReasons[this.stopOf()]!;
  }

  hasTripleFaulted(cpu: number): boolean {
    return this.vcpus.of(cpu).stop === STOP_REASON.tripleFault;
  }

  /**
   * VPID of CPU `cpu`: each vCPU of any VM has its own, as with KVM's allocate_vpid, and 0 is the host's.
   * SDM Vol. 3, "Virtual Processor Identifiers (VPIDs)".
   */
  vpidOf(cpu: number): number {
    return cpu + 1;
  }
}
