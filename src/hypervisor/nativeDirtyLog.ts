import type { EventBus } from '../hardware/events/eventBus';
import { KIND, KIND_AT, CPU_AT, field } from '../hardware/events/eventTable';
import { frameOfAddress } from '../hardware/memory/frameNumber';
import type { StateClaims } from '../hardware/state/registry';
import { DirtyLog } from './dirtyLog';
import { Memslots } from './memslots';
import type { DirtyLogging } from './slotListener';
import type { GuestSlot } from './virtualMachine';


/**
 * The log of dirty pages of a guest that has the machine to itself: nobody below could keep one, so the simulator does, by
 * looking on. No write is noticed by the guest, as with page-modification logging.
 */
export class NativeDirtyLog implements DirtyLogging {
  private readonly slots: Memslots;
  private readonly dirty: DirtyLog;

  constructor(registry: StateClaims, private readonly bus: EventBus, slots: readonly GuestSlot[]) {
    this.slots = new Memslots(registry, bus);
    for (const { id, frame, frames, kind } of slots) this.slots.add({ id, baseGfn: frame, pages: frames, place: { frame }, kind });
    this.dirty = new DirtyLog(registry, this.slots, bus);
  }

  logDirty(id: number, to: 'on' | 'off'): boolean {
    const slot = this.slots.withId(id);
    if (slot < 0) return false;
    this.dirty.clearRange(this.slots.baseGfn(slot), this.slots.baseGfn(slot) + this.slots.pages(slot));
    this.slots.setLogging(slot, to);
    this.lookOn();
    return true;
  }

  getDirtyLog(id: number): readonly number[] | undefined {
    const slot = this.slots.withId(id);
    if (slot < 0) return undefined;
    const from = this.slots.baseGfn(slot);
    const end = from + this.slots.pages(slot);
    const found: number[] = [];
    for (let gfn = this.dirty.next(from, end); gfn >= 0; gfn = this.dirty.next(gfn + 1, end)) found.push(gfn);
    this.dirty.clearRange(from, end);
    return found;
  }

  /** A store to host-physical address (lo, hi) is about to be made: told while some slot is logged. */
  noteStore(lo: number, hi: number, cpu: number): void {
    const gfn = frameOfAddress(lo, hi);
    if (!this.slots.isReadOnly(this.slots.find(gfn))) this.dirty.mark(gfn, cpu);
  }

  /** Has itself told of stores and of flags that walks set, while some slot is logged. What the bus knows is derived. */
  lookOn(): void {
    if (this.slots.logging === 0) return this.bus.tap(undefined, []);
    this.bus.tap((record) => {
      if (record[KIND_AT] === KIND.ad_update) this.noteStore(record[field.hpa.at]!, record[field.hpa.at + 1]!, record[CPU_AT]!);
    }, [KIND.ad_update, KIND.page_table_write]);
  }
}
