import { ACTOR, KIND, field } from '../hardware/events/eventTable';
import { setPair, type EventBus } from '../hardware/events/eventBus';
import type { StateClaims } from '../hardware/state/registry';

/** Words of one slot; the host-virtual range by its first page (HVA >> 12: low, high half). A slot without pages is none. */
const BASE_GFN = 0;
const PAGES = 1;
const HVA_LO = 2;
const HVA_HI = 3;
const FLAGS = 4;
const ID = 5;
/** First host frame of a slot that lies in host frames of its own; -1 of one that lies at host-virtual addresses. */
const FRAME = 6;
const SLOT_WORDS = 8;
/** Slots that a VM has room for. */
export const MAX_SLOTS = 32;

const USED = 0;
const GENERATION = 1;
const LOGGING = 2;

/** KVM's KVM_MEM_READONLY and KVM_MEM_LOG_DIRTY_PAGES. */
const READ_ONLY = 1;
const LOG_DIRTY = 2;

/** Where a slot's pages lie: host-virtual address >> 12, or host-physical address >> 12, of the first. */
export type SlotPlace = { readonly hvaPage: number } | { readonly frame: number };

/** What a slot is about, before it has a place in the table. */
export interface NewSlot {
  /** Its number among the scenario's slot names: the id by which the VMM process speaks of it. */
  readonly id: number;
  /** Guest-physical address >> 12 of its first page. */
  readonly baseGfn: number;
  readonly pages: number;
  readonly place: SlotPlace;
  /** `rom`: the guest reads what is there, and its writes go to the emulator. */
  readonly kind: 'ram' | 'rom';
}

/**
 * The VM's memory slots (KVM's `kvm_memory_slot`): each maps a run of guest frames, linearly, to a
 * run of the VMM process's host-virtual addresses; with `backing direct` to one of host frames. What no slot covers is no memory. Every change of the set is a new
 * generation of it, by which what was concluded from the old one is told to be stale.
 */
export class Memslots {
  private readonly slots: Int32Array;
  private readonly head: Int32Array;

  constructor(registry: StateClaims, private readonly bus: EventBus) {
    this.slots = registry.block('vm.memslots', SLOT_WORDS * MAX_SLOTS);
    this.head = registry.block('vm.memslots_used', 3);
  }

  /** Places in the table, from 0: some may hold no slot any more. */
  get count(): number {
    return this.head[USED]!;
  }

  /** True while there is room for another slot. */
  get hasRoom(): boolean {
    return this.freePlace() < MAX_SLOTS;
  }

  /** Adds a slot, and gives its place. Overlap is the caller's broken invariant. */
  add({ id, baseGfn, pages, place, kind }: NewSlot): number {
    const slot = this.freePlace();
    if (slot === MAX_SLOTS) throw new Error('invariant: more memory slots than the VM has room for');
    this.head[USED] = Math.max(this.head[USED]!, slot + 1);
    const hvaPage = 'hvaPage' in place ? place.hvaPage : 0;
    const frame = 'frame' in place ? place.frame : -1;
    const flags = kind === 'rom' ? READ_ONLY : 0;
    this.slots.set([baseGfn, pages, hvaPage | 0, Math.floor(hvaPage / 4294967296), flags, id, frame], slot * SLOT_WORDS);
    return slot;
  }

  /** Takes a slot away. */
  remove(slot: number): void {
    this.setLogging(slot, 'off');
    this.slots.fill(0, slot * SLOT_WORDS, (slot + 1) * SLOT_WORDS);
  }

  /** The slot's pages are behind other guest frames from now on: the host-virtual range stays. */
  move(slot: number, baseGfn: number): void {
    this.slots[slot * SLOT_WORDS + BASE_GFN] = baseGfn;
  }

  /** Number of the slot that holds `gfn`, or -1. */
  find(gfn: number): number {
    for (let slot = 0; slot < this.head[USED]!; slot++) {
      const at = slot * SLOT_WORDS;
      const base = this.slots[at]!;
      if (gfn >= base && gfn < base + this.slots[at + PAGES]!) return slot;
    }
    return -1;
  }

  /** The slot with this id, or -1. */
  withId(id: number): number {
    for (let slot = 0; slot < this.head[USED]!; slot++) if (this.isThere(slot) && this.idOf(slot) === id) return slot;
    return -1;
  }

  /** A slot other than `except` with one of the frames from `baseGfn` on, or -1. */
  overlapping(baseGfn: number, pages: number, except: number): number {
    for (let slot = 0; slot < this.head[USED]!; slot++) {
      if (slot !== except && baseGfn < this.baseGfn(slot) + this.pages(slot) && this.baseGfn(slot) < baseGfn + pages) return slot;
    }
    return -1;
  }

  /** As `find`, for the hypervisor at work: emits the look-up. */
  lookup(gfn: number, cpu: number): number {
    const slot = this.find(gfn);
    const isDirect = slot >= 0 && this.isDirect(slot);
    const kind = isDirect ? KIND.direct_slot_lookup : KIND.memslot_lookup;
    if (!this.bus.on[kind]) return slot;
    const record = this.bus.begin(kind, ACTOR.vmm, cpu);
    setPair(record, field.gpa.at, gfn << 12, gfn >>> 20);
    if (isDirect) {
      const frame = this.frame(slot, gfn);
      setPair(record, field.hpa.at, frame << 12, frame >>> 20);
    } else if (slot >= 0) {
      const page = this.hvaPage(slot, gfn);
      setPair(record, field.hva.at, pageLo(page), pageHi(page));
    }
    record[field.index.at] = slot;
    this.bus.commit();
    return slot;
  }

  /** The slot lies in host frames of its own: it has no host-virtual address. */
  isDirect(slot: number): boolean {
    return this.slots[slot * SLOT_WORDS + FRAME]! >= 0;
  }

  /** Host frame of `gfn`, which lies in `slot`, one with frames of its own. */
  frame(slot: number, gfn: number): number {
    return this.slots[slot * SLOT_WORDS + FRAME]! + gfn - this.baseGfn(slot);
  }

  /** Where the pages of a slot lie. */
  placeOf(slot: number): SlotPlace {
    const base = this.baseGfn(slot);
    return this.isDirect(slot) ? { frame: this.frame(slot, base) } : { hvaPage: this.hvaPage(slot, base) };
  }

  /** Guest frame behind which host frame `frame` is, one of a slot with frames of its own, or -1. */
  gfnOfFrame(frame: number): number {
    for (let slot = 0; slot < this.count; slot++) {
      const at = this.isThere(slot) && this.isDirect(slot) ? frame - this.frame(slot, this.baseGfn(slot)) : -1;
      if (at >= 0 && at < this.pages(slot)) return this.baseGfn(slot) + at;
    }
    return -1;
  }

  /** Host-virtual page number (HVA >> 12) of `gfn`, which lies in `slot`, one with host-virtual addresses. */
  hvaPage(slot: number, gfn: number): number {
    const at = slot * SLOT_WORDS;
    return this.slots[at + HVA_HI]! * 4294967296 + (this.slots[at + HVA_LO]! >>> 0) + (gfn - this.slots[at]!);
  }

  /** Guest frame that is page `hvaPage` (HVA >> 12) of the VMM process, or -1. */
  gfnOfHva(hvaPage: number): number {
    for (let slot = 0; slot < this.count; slot++) {
      const at = this.isDirect(slot) ? -1 : hvaPage - this.hvaPage(slot, this.baseGfn(slot));
      if (at >= 0 && at < this.pages(slot)) return this.baseGfn(slot) + at;
    }
    return -1;
  }

  baseGfn(slot: number): number {
    return this.slots[slot * SLOT_WORDS + BASE_GFN]!;
  }

  pages(slot: number): number {
    return this.slots[slot * SLOT_WORDS + PAGES]!;
  }

  /** True of a place in the table that holds a slot. */
  isThere(slot: number): boolean {
    return this.pages(slot) > 0;
  }

  idOf(slot: number): number {
    return this.slots[slot * SLOT_WORDS + ID]!;
  }

  /** ROM: a write is the emulator's. False of -1, no slot. */
  isReadOnly(slot: number): boolean {
    return slot >= 0 && (this.slots[slot * SLOT_WORDS + FLAGS]! & READ_ONLY) !== 0;
  }

  /** Dirty pages of the slot are logged. False of -1, no slot. */
  isLogging(slot: number): boolean {
    return slot >= 0 && (this.slots[slot * SLOT_WORDS + FLAGS]! & LOG_DIRTY) !== 0;
  }

  setLogging(slot: number, to: 'on' | 'off'): void {
    if (this.isLogging(slot) === (to === 'on')) return;
    this.slots[slot * SLOT_WORDS + FLAGS]! ^= LOG_DIRTY;
    this.head[LOGGING]! += to === 'on' ? 1 : -1;
  }

  /** How many slots have their dirty pages logged (KVM's nr_memslots_dirty_logging). */
  get logging(): number {
    return this.head[LOGGING]!;
  }

  /** Of the set of slots: grows with every change. */
  get generation(): number {
    return this.head[GENERATION]!;
  }

  /** The set has changed. */
  advanceGeneration(): void {
    this.head[GENERATION]!++;
  }

  private freePlace(): number {
    for (let slot = 0; slot < this.head[USED]!; slot++) if (!this.isThere(slot)) return slot;
    return this.head[USED]!;
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
