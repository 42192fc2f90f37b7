import { setPair } from '../../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import { ACCESS } from '../../hardware/paging/accessKinds';
import { EFFECTS } from '../../hardware/paging/walkOutcome';
import type { ListingProcedure, ListingRunner } from '../listing';
import { pageHi, pageLo } from '../memslots';
import { LARGE_FRAMES, USE } from './hostFrames';
import type { HostMemory } from './hostMemory';
import type { HostProcess } from './hostProcess';
import type { MmuNotifier } from './mmuNotifier';
import type { OwnedFrames } from './ownedFrames';

/** Error code of a host page fault: user mode, a page that is not present; SDM Vol. 3, "Page-Fault Exceptions". */
const USER_FAULT = 4;
const WRITE_FAULT = 2;

/** Pages of the VMM process that back one memslot. */
export interface HostMapping {
  /** HVA >> 12 of the first, and how many. */
  readonly hvaPage: number;
  readonly pages: number;
}

/**
 * The host's memory manager at work for the VMM process of one VM: what the lines of `host.vmm` are written in. Its pages are
 * host-virtual, by number (HVA >> 12).
 */
export class HostMemoryManager {
  runner!: ListingRunner<HostMemoryManager>;
  /** Whose step this is, the number that events carry. */
  actor = 0;
  /** Host frame found or allocated by the last request; -1: none. */
  frame = -1;
  /** 1: the host's entry for it gives W, so that a hypervisor's may. */
  mapWritable = 0;

  constructor(
    /** Number of the VM. */
    readonly vm: number,
    readonly process: HostProcess,
    readonly frames: OwnedFrames,
    readonly host: HostMemory,
    readonly notifier: MmuNotifier,
    /** What of its addresses is memory of the guest's, one run for each memslot. */
    readonly mappings: () => readonly HostMapping[],
  ) {
    host.managers[vm] = this;
  }

  /** Runs a procedure of `host.vmm` with these parameters (pairs of halves), as a request from outside it. */
  request(procedure: ListingProcedure<HostMemoryManager>, actor: number, ...parameters: readonly number[]): number {
    this.actor = actor;
    return this.runner.call(procedure, this, actor, parameters);
  }

  /** The same, from one of its lines. */
  call(procedure: ListingProcedure<HostMemoryManager>, ...parameters: readonly number[]): number {
    return this.runner.call(procedure, this, this.actor, parameters);
  }

  /** The frame that a page is mapped to, with that right if `write` is 1; -1: none. Walks the process's table. */
  walk(hvaPage: number, write: number): number {
    this.frame = this.process.frameOf(hvaPage, EFFECTS.hardware, write === 1 ? ACCESS.write : ACCESS.read);
    return this.frame;
  }

  /** A frame for a page of the guest, or -1. */
  allocate(): number {
    return this.frames.allocate(USE.guestPage, 0, this.actor);
  }

  /** The page maps `frame`: its entry, and the frame's reverse map. False, with nothing done, when no frame is left for tables. */
  map(hvaPage: number, frame: number, rights: 'rw' | 'ro'): boolean {
    if (!this.process.map(hvaPage, frame, rights, this.actor)) return false;
    this.host.rmap.add(frame, this.vm, hvaPage);
    return true;
  }

  /**
   * The 2 MBytes that begin with page `hvaPage` map the frames from `frame` on, which were allocated for that. False when no frame
   * is left for the tables above: then those are free again.
   */
  mapLarge(hvaPage: number, frame: number): boolean {
    const isMapped = this.process.mapLarge(hvaPage, frame, this.actor);
    for (let i = 0; i < LARGE_FRAMES; i++) {
      if (isMapped) this.host.rmap.add(frame + i, this.vm, hvaPage + i);
      else this.frames.release(frame + i);
    }
    return isMapped;
  }

  /** The page maps no frame any more: its entry names a page of the swap device, or nothing (0). */
  unmap(hvaPage: number, frame: number, swapPage: number): void {
    this.process.unmap(hvaPage, swapPage, this.actor);
    this.host.rmap.remove(frame, this.vm, hvaPage);
    if (swapPage !== 0) this.host.swap.name(swapPage);
  }

  /** The 2 MBytes that begin with page `hvaPage`, one large page, map nothing any more, and their frames are free. */
  freeLarge(hvaPage: number, frame: number): void {
    this.process.unmapLarge(hvaPage, this.actor);
    for (let i = 0; i < LARGE_FRAMES; i++) {
      this.host.rmap.remove(frame + i, this.vm, hvaPage + i);
      this.freeUnlessMapped(frame + i);
    }
  }

  /** Gives the frame back, unless other pages map it. */
  freeUnlessMapped(frame: number): void {
    if (this.host.frames.mapCountOf(frame) === 0) this.host.frames.takeBack(frame, this.actor);
  }

  /** First page of the 2 MBytes that `hvaPage` lies in. */
  largeStart(hvaPage: number): number {
    return Math.floor(hvaPage / LARGE_FRAMES) * LARGE_FRAMES;
  }

  /** The 2 MBytes around the page are all of one memslot: a large page may be there. */
  fitsLarge(hvaPage: number): boolean {
    const first = this.largeStart(hvaPage);
    return this.mappings().some((mapping) => first >= mapping.hvaPage && first + LARGE_FRAMES <= mapping.hvaPage + mapping.pages);
  }

  /** Nothing is mapped in the 2 MBytes around the page, nor in the swap device. */
  isLargeHole(hvaPage: number): boolean {
    const first = this.largeStart(hvaPage);
    for (let page = first; page < first + LARGE_FRAMES; page++) {
      if (this.process.levelOf(page) !== 0 || this.process.swapPageOf(page) !== 0) return false;
    }
    return true;
  }

  reportFault(hvaPage: number, write: number): void {
    const { bus } = this.host;
    if (!bus.on[KIND.host_fault]) return;
    const record = bus.begin(KIND.host_fault, ACTOR.host, this.actor);
    setPair(record, field.hva.at, pageLo(hvaPage), pageHi(hvaPage));
    const isPresent = this.process.levelOf(hvaPage) === 0 ? 0 : 1;
    record[field.code.at] = USER_FAULT | (write === 1 ? WRITE_FAULT : 0) | isPresent;
    bus.commit();
  }
}

/** Host-virtual page of a named value that is an address. */
export function hvaPageOf(lo: number, hi: number): number {
  return (hi >>> 0) * 0x100000 + (lo >>> 12);
}
