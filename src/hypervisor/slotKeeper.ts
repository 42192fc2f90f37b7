import { setPair, type EventBus } from '../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../hardware/events/eventTable';
import { SLOT_CHANGE } from '../hardware/events/slotEventNames';
import type { DirtyLog } from './dirtyLog';
import { ListingRunner, type ListingProcedure } from './listing';
import { pageHi, pageLo, type Memslots, type SlotPlace } from './memslots';
import type { PhysicalHost } from './physicalHost';
import type { SlotBacking } from './slotBacking';
import { getDirtyLog, memslotsUpdated, setMemslot, setMemslotFlags } from './slotListing';
import type { DirtyLogging, SlotListener } from './slotListener';

const PAGE_BYTES = 4096;

/** Why a slot did not come or move. */
export type SlotRefusal = 'exists' | 'overlaps' | 'no room' | 'no memory';

/** What `memslots.vmm` works on: the memory slots of one VM, changed at run time as its VMM process asks for it. */
export class SlotKeeper implements DirtyLogging {
  /** Undefined until a technique has the VM. */
  listener: SlotListener | undefined;
  /** Whose step a change happens in. */
  actor = 0;
  /** Guest frames that `kvm_vm_ioctl_get_dirty_log` has found. */
  found: number[] = [];
  /** Where the slot that comes lies, and the one that goes. */
  newPlace: SlotPlace = { hvaPage: 0 };
  goingPlace: SlotPlace = { hvaPage: 0 };
  /** Id of the slot that comes. */
  newId = 0;
  readonly runner: ListingRunner<SlotKeeper>;
  /** First guest frame that the last overlap was about. */
  overlapGfn = 0;

  constructor(
    host: PhysicalHost, readonly slots: Memslots, readonly dirty: DirtyLog,
    /** Guest frames that answer otherwise than as memory: MMIO. No slot may cover them. */
    private readonly devices: readonly { readonly frame: number; readonly frames: number }[],
    readonly backing: SlotBacking,
  ) {
    this.bus = host.bus;
    this.runner = new ListingRunner('memslots.vmm', 'vmm', host.listingNumber('memslots.vmm'), [
      setMemslot, memslotsUpdated, setMemslotFlags, getDirtyLog,
    ], host.bus, host.depth);
  }

  private readonly bus: EventBus;

  /** A new slot of RAM. */
  add(id: number, baseGfn: number, pages: number, actor: number): SlotRefusal | undefined {
    if (this.slots.withId(id) >= 0) return 'exists';
    if (!this.slots.hasRoom) return 'no room';
    if (this.isTaken(baseGfn, pages, -1)) return 'overlaps';
    const place = this.backing.makePlace(baseGfn, pages, actor);
    if (place === undefined) return 'no memory';
    this.newPlace = place;
    this.newId = id;
    this.run(setMemslot, actor, SLOT_CHANGE.created, -1, baseGfn, pages);
    return undefined;
  }

  /** The slot in place `slot` goes to other guest frames; its host memory stays its own. */
  move(slot: number, baseGfn: number, actor: number): SlotRefusal | undefined {
    if (this.isTaken(baseGfn, this.slots.pages(slot), slot)) return 'overlaps';
    this.run(setMemslot, actor, SLOT_CHANGE.moved, slot, baseGfn, this.slots.pages(slot));
    return undefined;
  }

  /** The slot in place `slot` is no more, and its host memory free. */
  remove(slot: number, actor: number): void {
    this.run(setMemslot, actor, SLOT_CHANGE.deleted, slot, this.slots.baseGfn(slot), this.slots.pages(slot));
  }

  logDirty(id: number, to: 'on' | 'off', actor: number): boolean {
    const slot = this.slots.withId(id);
    if (slot >= 0) this.run(setMemslotFlags, actor, slot, to === 'on' ? 1 : 0);
    return slot >= 0;
  }

  getDirtyLog(id: number, actor: number): readonly number[] | undefined {
    const slot = this.slots.withId(id);
    if (slot < 0) return undefined;
    this.found = [];
    this.run(getDirtyLog, actor, slot);
    return this.found;
  }

  call(procedure: ListingProcedure<SlotKeeper>, ...parameters: readonly number[]): number {
    return this.runner.call(procedure, this, this.actor, parameters);
  }

  /** Tells of a change to the slot in place `slot`, made just now; or about to be, of one that goes. */
  report(what: number, slot: number): void {
    if (!this.bus.on[KIND.memslot_changed]) return;
    const { slots } = this;
    const record = this.bus.begin(KIND.memslot_changed, ACTOR.vmm, this.actor);
    const base = slots.baseGfn(slot);
    setPair(record, field.gpa.at, base << 12, base >>> 20);
    if (!slots.isDirect(slot)) setPair(record, field.hva.at, pageLo(slots.hvaPage(slot, base)), pageHi(slots.hvaPage(slot, base)));
    record[field.size.at] = slots.pages(slot) * PAGE_BYTES;
    record[field.index.at] = slot;
    record[field.value.at] = slots.generation;
    record[field.what.at] = what;
    this.bus.commit();
  }

  private run(procedure: ListingProcedure<SlotKeeper>, actor: number, ...numbers: readonly number[]): void {
    this.actor = actor;
    this.call(procedure, ...numbers.flatMap((number) => [number | 0, number < 0 ? -1 : 0]));
  }

  /** Another slot, or a device, has one of the frames. */
  private isTaken(baseGfn: number, pages: number, except: number): boolean {
    const slot = this.slots.overlapping(baseGfn, pages, except);
    const device = this.devices.find(({ frame, frames }) => baseGfn < frame + frames && frame < baseGfn + pages);
    if (slot < 0 && device === undefined) return false;
    this.overlapGfn = Math.max(baseGfn, slot >= 0 ? this.slots.baseGfn(slot) : device!.frame);
    return true;
  }
}
