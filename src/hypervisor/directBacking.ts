import { USE } from './host/hostFrames';
import type { OwnedFrames } from './host/ownedFrames';
import type { EntryWriter } from './entryWriter';
import type { Memslots, SlotPlace } from './memslots';
import type { SlotBacking } from './slotBacking';

/**
 * `platform { backing direct }`: a slot is a run of host frames, which the hypervisor takes when the slot comes and keeps until it
 * goes, as KVM did before slots had userspace_addr (slot->phys_mem). GPA to HPA is one look-up, and nobody else knows of the
 * frames: no page table of the host maps them, so nothing can take one away, share it or put another in its place.
 */
export class DirectBacking implements SlotBacking {
  constructor(private readonly slots: Memslots, private readonly frames: OwnedFrames, private readonly writer: EntryWriter) {}

  frameOf(slot: number, gfn: number): number {
    return this.slots.frame(slot, gfn);
  }

  nextBacked(_: number, gfn: number): number {
    return gfn;
  }

  contentsOf(slot: number, gfn: number): number {
    return this.slots.frame(slot, gfn);
  }

  isWritable(): boolean {
    return true;
  }

  /** Pages are mapped one by one, as with `backing 4K`: what differs is the layer alone. */
  levelOf(): number {
    return 1;
  }

  isSwapped(): boolean {
    return false;
  }

  gfnOf(frame: number): number {
    return this.frames.owns(frame) && this.frames.useOf(frame) === USE.guestPage ? this.slots.gfnOfFrame(frame) : -1;
  }

  bring(slot: number, gfn: number): number {
    return this.slots.frame(slot, gfn);
  }

  firstPlace(_: number, pages: number, actor = 0): { readonly frame: number } | undefined {
    const frame = this.frames.all.allocateRun({ frames: pages, alignment: 1 }, USE.guestPage, actor, this.frames.owner);
    return frame < 0 ? undefined : { frame };
  }

  makePlace(baseGfn: number, pages: number, actor: number): SlotPlace | undefined {
    const place = this.firstPlace(baseGfn, pages, actor);
    if (place === undefined) return undefined;
    for (let at = place.frame; at < place.frame + pages; at++) this.writer.zeroFrame(at);
    return place;
  }

  release(place: SlotPlace, pages: number, actor: number): void {
    if (!('frame' in place)) throw new Error('invariant: a slot of host-virtual addresses without a host process');
    for (let frame = place.frame; frame < place.frame + pages; frame++) this.frames.all.takeBack(frame, actor);
  }
}
