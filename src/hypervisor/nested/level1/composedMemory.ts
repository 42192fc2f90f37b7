import type { GuestMemory } from '../../guestMemory';
import type { HostReach } from '../../hostReach';
import type { SlotMemory } from '../../slotMemory';

/** L2's physical memory: behind L1's slots and tables, and behind those that L0 has for L1. */
export class ComposedMemory implements GuestMemory {
  constructor(private readonly l1: SlotMemory, private readonly l0: SlotMemory, private readonly reach: HostReach) {}

  get frames(): number {
    return this.l1.frames;
  }

  frameOf(gfn: number): number {
    const frame = this.l1.frameOf(gfn);
    return frame < 0 ? -1 : this.reach.frameOf(frame);
  }

  contentsOf(gfn: number): number {
    const frame = this.l1.contentsOf(gfn);
    return frame < 0 ? -1 : this.reach.frameOf(frame);
  }

  hvaPageOf(gfn: number): number {
    return this.l1.hvaPageOf(gfn);
  }

  back(gfn: number): number {
    const frame = this.l1.back(gfn);
    return frame < 0 ? -1 : this.reach.touch(frame, 'write');
  }

  gfnOf(frame: number): number {
    const l1Frame = this.l0.gfnOf(frame);
    return l1Frame < 0 ? -1 : this.l1.gfnOf(l1Frame);
  }
}
