import { setPair, type EventBus } from '../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../hardware/events/eventTable';
import type { StateClaims } from '../hardware/state/registry';
import type { TrackedWords } from '../hardware/state/trackedWords';
import type { Memslots } from './memslots';

const FIRST_WORDS = 512;

/**
 * The dirty bitmap of the VM's memory slots (KVM's `dirty_bitmap`): which pages of a logged slot have been written since the
 * log was last asked for. Pages of other slots are never marked.
 */
export class DirtyLog {
  /**
   * How the first write to a clean page is noticed: by a leaf without W, at which it faults, or by the processor, which logs
   * each dirty flag that it sets in EPT. SDM Vol. 3, "Page-Modification Logging". The technique says so.
   */
  noticedBy: 'fault' | 'processor' = 'fault';
  /** A bit for each guest frame. */
  private readonly bits: TrackedWords;

  constructor(registry: StateClaims, private readonly slots: Memslots, private readonly bus: EventBus) {
    this.bits = registry.tracked('vm.dirty_bitmap', FIRST_WORDS);
  }

  /** `gfn` lies in a slot that is logged. */
  isLogged(gfn: number): boolean {
    return this.slots.logging !== 0 && this.slots.isLogging(this.slots.find(gfn));
  }

  /** `gfn` lies in a slot that is logged, and writes to its clean pages fault. */
  isLoggedByFault(gfn: number): boolean {
    return this.noticedBy === 'fault' && this.isLogged(gfn);
  }

  isDirty(gfn: number): boolean {
    return ((this.bits.words[gfn >>> 5] ?? 0) >>> (gfn & 31) & 1) !== 0;
  }

  /** 1: the next write to `gfn` must fault, since it is to be logged. */
  awaitsWrite(gfn: number): number {
    return this.isLoggedByFault(gfn) && !this.isDirty(gfn) ? 1 : 0;
  }

  /** KVM's mark_page_dirty: `gfn` is being written, in a step of `cpu`. Nothing where its slot is not logged. */
  mark(gfn: number, cpu: number): void {
    if (!this.isLogged(gfn) || this.isDirty(gfn)) return;
    this.bits.ensure((gfn >>> 5) + 1);
    this.bits.write(gfn >>> 5, this.bits.words[gfn >>> 5]! | (1 << (gfn & 31)));
    if (!this.bus.on[KIND.page_marked_dirty]) return;
    const record = this.bus.begin(KIND.page_marked_dirty, ACTOR.vmm, cpu);
    setPair(record, field.gpa.at, gfn << 12, gfn >>> 20);
    record[field.index.at] = this.slots.find(gfn);
    this.bus.commit();
  }

  /** The first dirty page among guest frames `gfn` to `end - 1`, or -1. */
  next(gfn: number, end: number): number {
    for (let at = gfn; at < end; at++) {
      if ((at & 31) === 0 && (this.bits.words[at >>> 5] ?? 0) === 0) at += 31;
      else if (this.isDirty(at)) return at;
    }
    return -1;
  }

  clear(gfn: number): void {
    if (this.isDirty(gfn)) this.bits.write(gfn >>> 5, this.bits.words[gfn >>> 5]! & ~(1 << (gfn & 31)));
  }

  /** Clears guest frames `gfn` to `end - 1`. */
  clearRange(gfn: number, end: number): void {
    for (let at = this.next(gfn, end); at >= 0; at = this.next(at + 1, end)) this.clear(at);
  }

  /** What is noted of `pages` frames from `from` on goes with them to `to`. */
  move(from: number, to: number, pages: number): void {
    const dirty: number[] = [];
    for (let at = this.next(from, from + pages); at >= 0; at = this.next(at + 1, from + pages)) dirty.push(at);
    this.clearRange(from, from + pages);
    for (const gfn of dirty) {
      const at = gfn - from + to;
      this.bits.ensure((at >>> 5) + 1);
      this.bits.write(at >>> 5, this.bits.words[at >>> 5]! | (1 << (at & 31)));
    }
  }
}
