import { setPair, type EventBus } from '../../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import type { StateClaims } from '../../hardware/state/registry';
import type { EntryWriter } from '../entryWriter';
import type { HostReach } from '../hostReach';
import { pageHi, pageLo } from '../memslots';
import type { HostFrames } from './hostFrames';
import type { HostMemoryManager } from './hostMemoryManager';
import type { ReverseMap } from './reverseMap';
import type { SwapDevice } from './swapDevice';

const PAGE_BYTES = 4096;

/**
 * How guests' memory is backed: by pages of 4 KBytes of the VMM process, or by such of 2 MBytes where they fit; or directly, by host
 * frames that are the memory slots' own, without host-virtual addresses.
 */
export type Backing = '4K' | '2M' | 'direct';

/** What the host's memory manager has for all VMs together, and what it does to pages whosesoever they are. */
export class HostMemory {
  /** By the number of the VM. */
  readonly managers: HostMemoryManager[] = [];

  /** Of KSM's scan under way, which is over before the step is: the frame it comes to next, and the frames behind it by their fingerprints. */
  scan: { next: number; readonly byContents: Map<number, number[]> } = { next: 0, byContents: new Map() };

  /** The clock hand of reclaim: the frame that it comes to next. */
  readonly clock: Int32Array;

  constructor(
    registry: StateClaims,
    readonly frames: HostFrames,
    readonly rmap: ReverseMap,
    readonly swap: SwapDevice,
    readonly writer: EntryWriter,
    readonly reach: HostReach,
    readonly bus: EventBus,
    readonly backing: Backing,
  ) {
    this.clock = registry.block('host.clock', 1);
  }

  /** The memory manager of the VM whose page a link of a reverse map is. */
  managerOf(link: number): HostMemoryManager {
    const manager = this.managers[this.rmap.vmOf(link)];
    if (manager === undefined) throw new Error('invariant: a reverse map names a VM that the host has not');
    return manager;
  }

  /** Copies the contents of a frame, and says so. */
  copy(from: number, to: number, actor: number): void {
    this.move(from, to);
    if (!this.bus.on[KIND.page_copied]) return;
    const record = this.bus.begin(KIND.page_copied, ACTOR.host, actor);
    setPair(record, field.hpa.at, to << 12, to >>> 20);
    setPair(record, field.address.at, from << 12, from >>> 20);
    record[field.size.at] = PAGE_BYTES;
    this.bus.commit();
  }

  /** Writes the contents of a frame, which backed `hvaPage`, to a page of the swap device. */
  writeToSwap(frame: number, page: number, hvaPage: number, actor: number): void {
    this.move(frame, this.swap.frameOf(page));
    this.reportSwap(KIND.swap_written, frame, page, hvaPage, actor);
  }

  /** Reads a page of the swap device into a frame. */
  readFromSwap(page: number, frame: number, hvaPage: number, actor: number): void {
    this.move(this.swap.frameOf(page), frame);
    this.reportSwap(KIND.swap_read, frame, page, hvaPage, actor);
  }

  /** Offset of the first word in which two frames differ, or -1. */
  difference(one: number, other: number): number {
    return this.reach.nextDifference(one, other, 0);
  }

  /** A number that frames of equal contents have in common. */
  fingerprint(frame: number): number {
    return this.reach.fingerprint(frame);
  }

  private move(from: number, to: number): void {
    const { reach: memory } = this;
    memory.touch(from, 'read');
    memory.touch(to, 'write');
    for (let at = memory.nextDifference(from, to, 0); at >= 0; at = memory.nextDifference(from, to, at + 4)) {
      memory.store32((to << 12) | at, to >>> 20, memory.load32((from << 12) | at, from >>> 20));
    }
  }

  private reportSwap(kind: number, frame: number, page: number, hvaPage: number, actor: number): void {
    if (!this.bus.on[kind]) return;
    const record = this.bus.begin(kind, ACTOR.host, actor);
    setPair(record, field.hva.at, pageLo(hvaPage), pageHi(hvaPage));
    setPair(record, field.hpa.at, frame << 12, frame >>> 20);
    record[field.index.at] = page;
    this.bus.commit();
  }
}
