import { ACTOR, KIND, field } from '../hardware/events/eventTable';
import { setPair, type EventBus } from '../hardware/events/eventBus';
import type { StateClaims } from '../hardware/state/registry';

/** Words of one slot: base gfn, pages, base page of the host-virtual range (HVA >> 12: low, high half). */
const SLOT_WORDS = 4;
const MAX_SLOTS = 32;

/**
 * The VM's memory slots (KVM's `kvm_memory_slot`): each maps a run of guest frames, linearly, to a
 * run of the VMM process's host-virtual addresses. What no slot covers is no memory.
 */
export class Memslots {
  private readonly slots: Int32Array;
  private readonly used: Int32Array;

  constructor(registry: StateClaims, private readonly bus: EventBus) {
    this.slots = registry.block('vm.memslots', SLOT_WORDS * MAX_SLOTS);
    this.used = registry.block('vm.memslots_used', 1);
  }

  get count(): number {
    return this.used[0]!;
  }

  /** Adds a slot; `hvaPage` is the host-virtual address >> 12. Overlap is the caller's broken invariant. */
  add(baseGfn: number, pages: number, hvaPage: number): number {
    const slot = this.used[0]!;
    if (slot === MAX_SLOTS) throw new Error('invariant: more memory slots than the VM has room for');
    this.used[0] = slot + 1;
    this.slots.set([baseGfn, pages, hvaPage | 0, Math.floor(hvaPage / 4294967296)], slot * SLOT_WORDS);
    return slot;
  }

  /** Number of the slot that holds `gfn`, or -1. */
  find(gfn: number): number {
    for (let slot = 0; slot < this.used[0]!; slot++) {
      const at = slot * SLOT_WORDS;
      const base = this.slots[at]!;
      if (gfn >= base && gfn < base + this.slots[at + 1]!) return slot;
    }
    return -1;
  }

  /** As `find`, for the hypervisor at work: emits the look-up. */
  lookup(gfn: number, cpu: number): number {
    const slot = this.find(gfn);
    if (this.bus.on[KIND.memslot_lookup]) {
      const record = this.bus.begin(KIND.memslot_lookup, ACTOR.vmm, cpu);
      setPair(record, field.gpa.at, gfn << 12, gfn >>> 20);
      if (slot >= 0) {
        const page = this.hvaPage(slot, gfn);
        setPair(record, field.hva.at, pageLo(page), pageHi(page));
      }
      record[field.index.at] = slot;
      this.bus.commit();
    }
    return slot;
  }

  /** Host-virtual page number (HVA >> 12) of `gfn`, which lies in `slot`. */
  hvaPage(slot: number, gfn: number): number {
    const at = slot * SLOT_WORDS;
    return this.slots[at + 3]! * 4294967296 + (this.slots[at + 2]! >>> 0) + (gfn - this.slots[at]!);
  }

  baseGfn(slot: number): number {
    return this.slots[slot * SLOT_WORDS]!;
  }

  pages(slot: number): number {
    return this.slots[slot * SLOT_WORDS + 1]!;
  }
}

/** Low half of the address of a page number that may need more than 32 bits. */
export function pageLo(page: number): number {
  return (page % 0x100000) << 12;
}

/** High half of the address of a page number. */
export function pageHi(page: number): number {
  return Math.floor(page / 0x100000) | 0;
}
