import { frameOfAddress } from '../hardware/memory/frameNumber';
import type { DirtyLog } from './dirtyLog';
import { FrameAddressing } from './frameAddressing';
import type { GuestMemory } from './guestMemory';
import type { HostReach } from './hostReach';
import { LARGE_FRAMES } from './host/hostFrames';
import type { HostMemoryManager } from './host/hostMemoryManager';
import type { MmuNotifier } from './host/mmuNotifier';
import type { Memslots } from './memslots';
import type { SlotBacking } from './slotBacking';
import { EFFECTS, WALK } from '../hardware/paging/walkOutcome';

/** Guest-physical memory behind memslots: GPA to HVA to HPA by the host process's page table, or GPA to HPA at once. */
export class SlotMemory implements GuestMemory {
  constructor(
    readonly slots: Memslots,
    private readonly backing: SlotBacking,
    /** The host's memory manager for this VM; undefined with `backing direct`. */
    readonly host: HostMemoryManager | undefined,
    readonly notifier: MmuNotifier,
    readonly dirty: DirtyLog,
    /** How frames of the host are reached. */
    readonly reach: HostReach,
  ) {}

  /**
   * 1: no leaf that maps `gfn` may have W. ROM takes no write; a page that the host maps read-only is one that others have too,
   * and is to be copied first; of a page whose first write is to be logged, by a fault, that one must be seen.
   */
  withholdsWrite(gfn: number): number {
    return this.slots.isReadOnly(this.slots.find(gfn)) || !this.isWritable(gfn) ? 1 : this.dirty.awaitsWrite(gfn);
  }

  /** The host backs `gfn`, and its entry gives W (KVM's map_writable). */
  isWritable(gfn: number): boolean {
    const slot = this.slots.find(gfn);
    return slot >= 0 && this.backing.isWritable(slot, gfn);
  }

  /**
   * Level of the largest page that a second-level entry for `gfn` may map (KVM's kvm_mmu_max_mapping_level): 2 where the host maps
   * 2 MBytes, the slot holds all of them, and host-virtual and guest-physical addresses are aligned alike; where dirty pages are
   * logged each is mapped on its own.
   */
  mappingLevel(gfn: number): number {
    const slot = this.slots.find(gfn);
    if (slot < 0 || this.slots.isLogging(slot)) return 1;
    const first = Math.floor(gfn / LARGE_FRAMES) * LARGE_FRAMES;
    const isInside = first >= this.slots.baseGfn(slot) && first + LARGE_FRAMES <= this.slots.baseGfn(slot) + this.slots.pages(slot);
    return isInside && this.backing.levelOf(slot, gfn) === 2 ? 2 : 1;
  }

  get frames(): number {
    let end = 0;
    for (let slot = 0; slot < this.slots.count; slot++) end = Math.max(end, this.slots.baseGfn(slot) + this.slots.pages(slot));
    return end;
  }

  frameOf(gfn: number): number {
    const slot = this.slots.find(gfn);
    return slot < 0 ? -1 : this.backing.frameOf(slot, gfn);
  }

  /** The first guest frame from `gfn` to before `end` that the host backs; `end` when none is. Touches nothing. */
  nextBacked(gfn: number, end: number): number {
    let next = gfn;
    while (next < end) {
      const slot = this.slots.find(next);
      if (slot < 0) {
        next++;
        continue;
      }
      const slotEnd = Math.min(end, this.slots.baseGfn(slot) + this.slots.pages(slot));
      next = this.backing.nextBacked(slot, next, slotEnd);
      if (next < slotEnd) return next;
    }
    return end;
  }

  contentsOf(gfn: number): number {
    const slot = this.slots.find(gfn);
    return slot < 0 ? -1 : this.backing.contentsOf(slot, gfn);
  }

  hvaPageOf(gfn: number): number {
    const slot = this.slots.find(gfn);
    return slot < 0 || this.slots.isDirect(slot) ? -1 : this.slots.hvaPage(slot, gfn);
  }

  /** True of a frame that some slot holds, whether or not anything backs it yet. */
  isInSlot(gfn: number): boolean {
    return this.slots.find(gfn) >= 0;
  }

  back(gfn: number): number {
    return this.backFor(gfn, 0);
  }

  /** As `back`, on behalf of `cpu`; `write`: 0 when the page is only to be read, so that others may have it too. */
  backFor(gfn: number, cpu: number, write = 1): number {
    const slot = this.slots.find(gfn);
    return slot < 0 ? -1 : this.backing.bring(slot, gfn, cpu, write);
  }

  /** The page of a guest's table, for a walk that may set flags in it; -1 when the host has not backed it, or cannot bring it back. */
  frameForWalk(gfn: number, cpu: number): number {
    const frame = this.frameOf(gfn);
    if (frame >= 0 ? this.isWritable(gfn) || this.slots.isReadOnly(this.slots.find(gfn)) : !this.isSwapped(gfn)) return frame;
    return this.backFor(gfn, cpu);
  }

  /** The host has written the page behind `gfn` to its swap device. */
  isSwapped(gfn: number): boolean {
    const slot = this.slots.find(gfn);
    return slot >= 0 && this.backing.isSwapped(slot, gfn);
  }

  gfnOf(frame: number): number {
    return this.backing.gfnOf(frame);
  }
}

/**
 * How a hypervisor reaches the guest's paging structures when it walks them in software: the entry's
 * guest-physical address through memslot and host page table. A page that the host has not backed
 * yet holds zeros, so nothing need be allocated to read it; one that the host has swapped out is brought back by
 * a host page fault, as KVM's __get_user takes it, and one that others have too is copied, since the walk may set
 * flags in it.
 */
export class SlotAddressing extends FrameAddressing {
  /** `cpu`: whose tables they are, for events. */
  constructor(private readonly memory: SlotMemory, private readonly cpu: number) {
    super();
  }

  /** An accessed or dirty flag is about to be set: the hypervisor writes the page for the guest. */
  allowsUpdate(lo: number, hi: number): number {
    this.memory.dirty.mark(frameOfAddress(lo, hi), this.cpu);
    return WALK.mapped;
  }

  locate(lo: number, hi: number, _: number, effects: number): number {
    const gfn = frameOfAddress(lo, hi);
    const frame = effects === EFFECTS.none ? this.memory.contentsOf(gfn) : this.memory.frameForWalk(gfn, this.cpu);
    if (frame < 0) {
      if (!this.memory.isInSlot(gfn) || effects !== EFFECTS.none && this.memory.contentsOf(gfn) >= 0) return WALK.tableUnreachable;
      return this.found(-1, lo);
    }
    const { reach } = this.memory;
    return this.found(effects === EFFECTS.none ? reach.frameOf(frame) : reach.touch(frame, 'write'), lo);
  }
}
