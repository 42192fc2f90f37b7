import type { RootMode } from '../hardware/processor/rootMode';
import type { TranslationSpace } from '../hardware/paging/translationSpace';
import type { TableSpace } from '../hardware/events/eventTable';
import type { ListingRunner } from './listing';
import type { GuestMemory } from './guestMemory';
import type { MmuNotifierListener } from './host/mmuNotifier';
import type { DirtyLogging } from './slotListener';
import type { VirtualMachine } from './virtualMachine';

/** A set of tables that a technique keeps, for the inspector: its roots as they stand. */
export interface TableRoot {
  readonly space: TableSpace;
  /** Host frame of the root table; for guest tables the guest frame. */
  readonly frame: number;
  readonly label: string;
}

/** What came of writing an EPT PTE: an entry of a larger page stood in its way, or no host frame is left for the tables above it. */
export type EptPteWrite = 'written' | 'large page' | 'no host frame';

/** Guest tables of which a technique has made something that each write to them must change (KVM's page_track). */
export interface PageTrack {
  isTracked(gfn: number): boolean;
  /** kvm_page_track_write: `bytes` bytes at a guest-physical address were written by no guest, in a step of `actor`. What was made of the old entries goes. */
  written(gpaLo: number, gpaHi: number, bytes: number, actor: number): void;
}

/**
 * A way of virtualizing memory. Root mode handles the VM exits of all CPUs; `native` has none. All
 * state is in the registry that the technique was made with.
 *
 * The host's memory manager tells it before it changes what backs guest frames (`unmapGfnRange`): each technique has that as
 * lines of its own listing, `kvm_unmap_gfn_range`; `native` has no host below. A fault handler reads `vm.notifier.sequence`
 * before get_user_pages and lets the guest try again when `vm.notifier.mustRetry` says so before it fills an entry; an entry
 * is writable only if `vm.memory.mapWritable` is 1 after get_user_pages.
 */
export interface Technique extends MmuNotifierListener {
  readonly name: string;
  /** Handles VM exits; undefined when there is no hypervisor. */
  readonly root: RootMode | undefined;
  /** Guest-physical memory, whatever it lies in. */
  readonly guestMemory: GuestMemory;
  /** The VM on its host; undefined when no host lies below the guest. */
  readonly vm: VirtualMachine | undefined;
  /** The log of dirty pages of its slots. */
  readonly dirtyLogging: DirtyLogging;
  /** Writes a pair as the EPT PTE of a guest frame, in a step of `actor`, or says why it cannot. */
  setEpte?(gfn: number, lo: number, hi: number, actor: number): EptPteWrite;
  /** Left out: nothing is made of guest tables. */
  readonly pageTrack?: PageTrack;
  /** The hypervisor that this one, and all that it has, is a guest of. */
  readonly below?: Technique;
  /** Of a nested guest: the guest frame of the VM around it that its own `gfn` is in, or -1. */
  outerFrameOf?(gfn: number): number;
  /** Told of each store at its host-physical address, before it is made, while somebody is told of `page_table_write`. */
  noteStore?(lo: number, hi: number, cpu: number): void;
  /** Registry contents were put back: what is derived from them is made anew. */
  reload?(): void;
  /** The listings that its handlers are, and the host's. */
  readonly listings: readonly ListingRunner<never>[];
  /** Fills the VMCS of `cpu` from the state its registers have, before VMLAUNCH. */
  prepare(cpu: number): void;
  /** CR3 as the guest sees it: guest-physical, low and high half. */
  guestCr3Lo(cpu: number): number;
  guestCr3Hi(cpu: number): number;
  /** EFER as the guest sees it: its low half. */
  guestEfer(cpu: number): number;
  /** The VMCS (its words) in which registers of this guest wait while `cpu` runs another; undefined: the processor has them. */
  registersAside?(cpu: number): Int32Array | undefined;
  /** The guest's own tables, to be walked without effects. Refreshed for `cpu` at each call. */
  guestTables(cpu: number): TranslationSpace;
  /** Roots of the tables that the technique keeps (shadow, EPT); the host process's own are the host's. */
  roots(cpu: number): readonly TableRoot[];
  /** Table pages in use, by the counters' names. */
  tablePages(kind: 'shadow' | 'ept' | 'host'): number;
  /** The hypervisor has stopped `cpu` because its guest has triple-faulted. */
  hasTripleFaulted(cpu: number): boolean;
  /** What a stop of the hypervisor was about, as a sentence. */
  stopReason(): string;
}
