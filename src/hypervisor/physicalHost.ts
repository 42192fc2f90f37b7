import type { EventBus } from '../hardware/events/eventBus';
import type { PhysicalMemory } from '../hardware/memory/physicalMemory';
import type { StateClaims } from '../hardware/state/registry';
import { EntryWriter } from './entryWriter';
import { getUserPages } from './host/getUserPages';
import { faultProcedures } from './host/handleMmFault';
import { HostFrames } from './host/hostFrames';
import { HostMemory, type Backing } from './host/hostMemory';
import type { HostMemoryManager } from './host/hostMemoryManager';
import { collapseHugePage, splitHugePmd } from './host/largePages';
import { migratePage } from './host/migratePage';
import { pageout, tryToFreePages } from './host/reclaim';
import { ReverseMap } from './host/reverseMap';
import { mergeProcedures } from './host/samePageMerging';
import { SwapDevice } from './host/swapDevice';
import { invalidateRange, zapPageRange } from './host/zapPageRange';
import { type HostReach, MachineReach } from './hostReach';
import { ListingRunner, type ListingStack } from './listing';
import { makeMsrBitmap } from './msrBitmap';
import type { Sabotage } from './sabotage';

/** The machine below any hypervisor, as far as its memory goes. */
export interface PhysicalMachine {
  readonly registry: StateClaims;
  readonly memory: PhysicalMemory;
  readonly bus: EventBus;
  /** Width of physical addresses, in bits. */
  readonly maxphyaddr: number;
  /** VPID in use: a VM exit or entry then leaves the TLB alone. */
  readonly tags: 'on' | 'off';
  readonly sabotage: Sabotage;
}

/** What the host has besides the machine. */
export interface HostSettings {
  /** Installed memory, in frames; above it lies the swap device, of so many pages. */
  readonly frames: number;
  readonly swapPages: number;
  readonly backing: Backing;
  /** How many VMs there are to be. */
  readonly vms: number;
}

/** Number of `host.vmm`; those of the hypervisors' listings follow. */
const HOST_LISTING = 0;

/** What the physical machine's host has once, however many VMs it runs: its frames, its memory manager's listing. */
export class PhysicalHost {
  readonly registry: StateClaims;
  readonly memory: PhysicalMemory;
  readonly bus: EventBus;
  readonly maxphyaddr: number;
  readonly tags: 'on' | 'off';
  readonly sabotage: Sabotage;
  /** Installed memory, in frames. */
  readonly installed: number;
  readonly frames: HostFrames;
  readonly writer: EntryWriter;
  /** The guests' pages, of all VMs. */
  readonly pages: HostMemory;
  /** `host.vmm`, run on behalf of one VM's process at a time. */
  readonly listing: ListingRunner<HostMemoryManager>;
  /** Shared by all listings of the machine. */
  readonly depth: ListingStack;
  /** Host frame of the MSR bitmaps, which all VMs have alike. */
  readonly msrBitmap: number;
  private readonly listingNames: string[] = [];

  /** `reach`: of its software to the memory that is physical to it; left out: it has the machine. */
  constructor(machine: PhysicalMachine, { frames, swapPages, backing, vms }: HostSettings, readonly reach: HostReach = new MachineReach(machine.memory)) {
    const { registry, memory, bus } = machine;
    this.registry = registry;
    this.memory = memory;
    this.bus = bus;
    this.maxphyaddr = machine.maxphyaddr;
    this.tags = machine.tags;
    this.sabotage = machine.sabotage;
    this.installed = frames;
    this.depth = { value: 0, lines: 0, wording: backing === 'direct' ? 'direct' : 'layered' };
    this.frames = new HostFrames(registry, frames, bus, vms);
    this.writer = new EntryWriter(reach, bus);
    this.msrBitmap = makeMsrBitmap(reach);
    const swap = new SwapDevice(registry, frames, swapPages);
    this.pages = new HostMemory(registry, this.frames, new ReverseMap(registry, this.frames), swap, this.writer, reach, bus, backing);
    this.listing = new ListingRunner('host.vmm', 'host', HOST_LISTING, [
      getUserPages, ...faultProcedures, tryToFreePages, pageout, ...mergeProcedures, migratePage, splitHugePmd, collapseHugePage,
      zapPageRange, invalidateRange,
    ], bus, this.depth);
  }

  /** Number that the listing of that name has in events: the same for two VMs under one technique, whose text is one. */
  listingNumber(name: string): number {
    if (!this.listingNames.includes(name)) this.listingNames.push(name);
    return HOST_LISTING + 1 + this.listingNames.indexOf(name);
  }
}
