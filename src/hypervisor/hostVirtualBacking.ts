import { getUserPages } from './host/getUserPages';
import { USE } from './host/hostFrames';
import type { HostMemoryManager } from './host/hostMemoryManager';
import { zapPageRange } from './host/zapPageRange';
import { pageHi, pageLo, type Memslots, type SlotPlace } from './memslots';
import type { SlotBacking } from './slotBacking';

/** HVA >> 12 at which the VMM process has the guest's RAM mapped: where mmap puts it on Linux. */
const RAM_HVA_PAGE = 0x7f0000000;
/** A 2-MByte page in guest frames: host-virtual ranges begin as their slots do within one, or no large page fits both. */
const LARGE_PAGES = 512;

/** A slot is a run of the VMM process's host-virtual addresses, and what lies behind them is the host's memory manager's business. */
export class HostVirtualBacking implements SlotBacking {
  constructor(private readonly slots: Memslots, private readonly host: HostMemoryManager) {}

  frameOf(slot: number, gfn: number): number {
    return this.host.process.frameOf(this.slots.hvaPage(slot, gfn));
  }

  nextBacked(slot: number, gfn: number, end: number): number {
    const page = this.slots.hvaPage(slot, gfn);
    return gfn + this.host.process.nextMapped(page, page + end - gfn) - page;
  }

  contentsOf(slot: number, gfn: number): number {
    const page = this.slots.hvaPage(slot, gfn);
    const frame = this.host.process.frameOf(page);
    if (frame >= 0) return frame;
    const swapPage = this.host.process.swapPageOf(page);
    return swapPage === 0 ? -1 : this.host.host.swap.frameOf(swapPage);
  }

  isWritable(slot: number, gfn: number): boolean {
    return this.host.process.isWritable(this.slots.hvaPage(slot, gfn)) === 1;
  }

  /** 1 of a large page too where host-virtual and guest-physical addresses are not aligned alike, so that it could not serve both. */
  levelOf(slot: number, gfn: number): number {
    const hvaPage = this.slots.hvaPage(slot, gfn);
    const level = this.host.process.levelOf(hvaPage);
    return level === 2 && (hvaPage - gfn) % LARGE_PAGES !== 0 ? 1 : level;
  }

  isSwapped(slot: number, gfn: number): boolean {
    return this.host.process.swapPageOf(this.slots.hvaPage(slot, gfn)) !== 0;
  }

  gfnOf(frame: number): number {
    const { frames, host: { rmap }, vm } = this.host;
    if (frames.useOf(frame) !== USE.guestPage) return -1;
    for (let link = rmap.first(frame); link !== 0; link = rmap.next(link)) {
      const gfn = rmap.vmOf(link) === vm ? this.slots.gfnOfHva(rmap.hvaPageOf(link)) : -1;
      if (gfn >= 0) return gfn;
    }
    return -1;
  }

  bring(slot: number, gfn: number, cpu: number, write: number): number {
    const page = this.slots.hvaPage(slot, gfn);
    return this.host.request(getUserPages, cpu, pageLo(page), pageHi(page), write, 0) === 1 ? this.host.frame : -1;
  }

  firstPlace(baseGfn: number): SlotPlace {
    return { hvaPage: RAM_HVA_PAGE + baseGfn };
  }

  /** Where mmap puts the new range: the lowest place between the others. */
  makePlace(baseGfn: number, pages: number): SlotPlace {
    const { slots } = this;
    const taken: (readonly [from: number, to: number])[] = [];
    for (let slot = 0; slot < slots.count; slot++) {
      const from = slots.hvaPage(slot, slots.baseGfn(slot));
      if (slots.isThere(slot)) taken.push([from, from + slots.pages(slot)]);
    }
    const candidates = [RAM_HVA_PAGE, ...taken.map(([, to]) => to)].map((from) => from + ((baseGfn - from) % LARGE_PAGES + LARGE_PAGES) % LARGE_PAGES);
    return { hvaPage: Math.min(...candidates.filter((from) => taken.every(([start, end]) => from + pages <= start || end <= from))) };
  }

  release(place: SlotPlace, pages: number, actor: number): void {
    if (!('hvaPage' in place)) throw new Error('invariant: a slot of host frames in a VM with a host process');
    this.host.request(zapPageRange, actor, pageLo(place.hvaPage), pageHi(place.hvaPage), pages, 0);
  }
}
