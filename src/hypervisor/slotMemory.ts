import { frameOfAddress } from '../hardware/memory/frameNumber';
import type { DirtyLog } from './dirtyLog';
import type { GuestMemory } from './guestMemory';
import { getUserPages, type HostMemoryManager } from './host/getUserPages';
import { USE } from './host/hostFrames';
import type { ListingRunner } from './listing';
import { pageHi, pageLo, type Memslots } from './memslots';
import { WALK } from '../hardware/paging/walkOutcome';
import type { TableAddressing } from '../hardware/paging/tableAddressing';

/** Address of the host's page of zeros: frame 0, which nobody is given and nobody writes. */
const ZERO_FRAME = 0;

/** Guest-physical memory behind memslots and the host process's page table: GPA to HVA to HPA. */
export class SlotMemory implements GuestMemory {
  constructor(
    readonly slots: Memslots,
    readonly host: HostMemoryManager,
    private readonly hostListing: ListingRunner<HostMemoryManager>,
    readonly dirty: DirtyLog,
  ) {}

  /**
   * 1: no leaf that maps `gfn` may have W, whatever backs it. ROM takes no write; of a page whose first write is to be logged,
   * by a fault, that one must be seen.
   */
  withholdsWrite(gfn: number): number {
    return this.slots.isReadOnly(this.slots.find(gfn)) ? 1 : this.dirty.awaitsWrite(gfn);
  }

  get frames(): number {
    let end = 0;
    for (let slot = 0; slot < this.slots.count; slot++) end = Math.max(end, this.slots.baseGfn(slot) + this.slots.pages(slot));
    return end;
  }

  frameOf(gfn: number): number {
    const page = this.hvaPageOf(gfn);
    return page < 0 ? -1 : this.host.process.frameOf(page);
  }

  hvaPageOf(gfn: number): number {
    const slot = this.slots.find(gfn);
    return slot < 0 ? -1 : this.slots.hvaPage(slot, gfn);
  }

  back(gfn: number): number {
    return this.backFor(gfn, 0);
  }

  /** As `back`, on behalf of `cpu`. */
  backFor(gfn: number, cpu: number): number {
    const page = this.hvaPageOf(gfn);
    return page < 0 ? -1 : this.getUserPages(page, gfn, cpu);
  }

  gfnOf(frame: number): number {
    const { frames } = this.host;
    return frames.useOf(frame) === USE.guestPage && frames.owns(frame) ? frames.detailOf(frame) : -1;
  }

  /** The host's get_user_pages for page `hvaPage`, which backs `gfn`; -1 when host memory is used up. */
  getUserPages(hvaPage: number, gfn: number, cpu: number): number {
    this.host.cpu = cpu;
    this.host.gfn = gfn;
    this.hostListing.next.set(0, pageLo(hvaPage), pageHi(hvaPage));
    return this.hostListing.run(getUserPages, this.host, cpu) === 1 ? this.host.frame : -1;
  }
}

/**
 * How a hypervisor reaches the guest's paging structures when it walks them in software: the entry's
 * guest-physical address through memslot and host page table. A page that the host has not backed
 * yet holds zeros, so nothing need be allocated to read it.
 */
export class SlotAddressing implements TableAddressing {
  hpaLo = 0;
  hpaHi = 0;

  /** `cpu`: whose tables they are, for events. */
  constructor(private readonly memory: SlotMemory, private readonly cpu: number) {}

  /** An accessed or dirty flag is about to be set: the hypervisor writes the page for the guest. */
  allowsUpdate(lo: number, hi: number): number {
    this.memory.dirty.mark(frameOfAddress(lo, hi), this.cpu);
    return WALK.mapped;
  }

  locate(lo: number, hi: number): number {
    const gfn = frameOfAddress(lo, hi);
    const frame = this.memory.frameOf(gfn);
    if (frame < 0) {
      if (this.memory.hvaPageOf(gfn) < 0) return WALK.tableUnreachable;
      this.hpaLo = ZERO_FRAME | (lo & 0xfff);
      this.hpaHi = 0;
      return WALK.mapped;
    }
    this.hpaLo = (frame << 12) | (lo & 0xfff);
    this.hpaHi = frame >>> 20;
    return WALK.mapped;
  }
}
