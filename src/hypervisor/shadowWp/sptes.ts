import { setPair, type EventBus } from '../../hardware/events/eventBus';
import { ACTOR, KIND, SPACE, field } from '../../hardware/events/eventTable';
import { PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { LONG4 } from '../../hardware/paging/formats/long4';
import { PAE } from '../../hardware/paging/formats/pae';
import type { EntryWriter } from '../entryWriter';
import { LARGE_FRAMES, USE } from '../host/hostFrames';
import type { OwnedFrames } from '../host/ownedFrames';
import { mmioEntryHi, mmioEntryLo, mmioGeneration } from '../mmioEntry';
import { ENTRIES, ShadowEntries } from '../shadowEntries';
import { levelOf } from './role';
import type { ShadowPages } from './shadowPages';

const FRAMES_BELOW_4_GBYTES = 0x100000;
const WRITABLE = 1 << LONG4.rights[0].bit;
const USER = 1 << LONG4.rights[1].bit;
const GLOBAL = LONG4.globalBit === undefined ? 0 : 1 << LONG4.globalBit;
/** Protection keys are 0 to 15. */
const KEY = 15;
/** Beside the key of a leaf: it has G, and translations of it outlive a load of CR3. */
export const GLOBAL_LEAF = 16;
/** Bit 51, which is reserved where physical addresses have fewer bits: what makes an MMIO SPTE fault. */
const MMIO_HI = 1 << (51 - 32);

/** The shadow entries of guest page tables (SPTEs), with what they alone have: keys, MMIO, and roots with four PDPTEs. */
export class Sptes extends ShadowEntries {
  constructor(pages: ShadowPages, frames: OwnedFrames, writer: EntryWriter, bus: EventBus) {
    super(pages, frames, writer, bus, {
      format: LONG4, space: SPACE.shadow, levelOf, writable: WRITABLE, writtenMarks: 1 << LONG4.dirtyBit,
      tableMarks: 1 << LONG4.accessedBit, mapsNothingHi: MMIO_HI,
    });
  }

  /** A host frame for four PDPTEs. Made before the guest runs, it lies below 4 GBytes, where CR3 of PAE paging reaches. */
  createPaeRoot(cpu: number): number {
    const frame = this.frames.allocate(USE.shadowTable, 0, cpu);
    if (frame < 0 || frame >= FRAMES_BELOW_4_GBYTES) throw new Error('invariant: there is no host frame for the first PDPTEs');
    this.writer.zeroFrame(frame);
    return frame;
  }

  /** PDPTE `index` of the four in host frame `table` leads to the table of `child`, or is not present (0). */
  linkPaeRoot(table: number, index: number, child: number, cpu: number): void {
    const frame = child === 0 ? 0 : this.pages.frameOf(child);
    const lo = child === 0 ? 0 : (frame << 12) | PAE.presentMask;
    const hi = frame >>> 20;
    if (this.writer.lo(table, index) === lo && this.writer.hi(table, index) === hi) return;
    this.writer.write(SPACE.shadow, ACTOR.vmm, cpu, PAE.levels, table, index, lo, hi);
  }

  /**
   * Leaf `index` of `page` maps host frame `frame`, which backs `gfn`; in a page above the last level, the 2 MBytes that both lie in. `rights`:
   * W, U, X; `marks`: its key, with `GLOBAL_LEAF` or without.
   */
  setLeaf(page: number, index: number, frame: number, gfn: number, rights: number, marks: number, cpu: number): void {
    const isSmall = levelOf(this.pages.roleOf(page)) === 1;
    const within = isSmall ? 0 : gfn % LARGE_FRAMES;
    this.makeLeaf(frame - within, rights, marks);
    if (!isSmall) this.maker.markLarge();
    this.writeLeaf(page, index, gfn - within, this.maker.lo, this.maker.hi, cpu);
  }

  /** Leaf `index` of `page` says that `gfn` is MMIO, and faults at each access. `rights`: W, U, X of the guest's entries. */
  setMmio(page: number, index: number, gfn: number, rights: number, generation: number, cpu: number): void {
    this.zap(page, index, cpu);
    const mmio = mmioGeneration(generation);
    const given = (rights & PAGE_RIGHTS.writable ? WRITABLE : 0) | (rights & PAGE_RIGHTS.user ? USER : 0);
    this.write(page, index, LONG4.presentMask | given | mmioEntryLo(gfn, mmio), MMIO_HI | mmioEntryHi(gfn, mmio), cpu);
    if (!this.bus.on[KIND.mmio_entry_made]) return;
    const record = this.bus.begin(KIND.mmio_entry_made, ACTOR.vmm, cpu);
    setPair(record, field.gpa.at, gfn << 12, gfn >>> 20);
    setPair(record, field.hpa.at, this.addressLo(page, index), this.addressHi(page));
    record[field.space.at] = SPACE.shadow;
    record[field.value.at] = mmio;
    this.bus.commit();
  }

  /** Entry `index` of `page` is a leaf with G. */
  isGlobal(page: number, index: number): boolean {
    return this.isPresent(page, index) && !this.mapsNothing(page, index) && (this.lo(page, index) & GLOBAL) !== 0;
  }

  /** Takes away the entries of `page`, a page of leaves or not, that say MMIO. */
  zapMmio(page: number, cpu: number): void {
    for (let index = 0; index < ENTRIES; index++) if (this.mapsNothing(page, index)) this.write(page, index, 0, 0, cpu);
  }

  /** Is leaf `index` of `page` as `setLeaf` would make it? */
  isLeafOf(page: number, index: number, frame: number, rights: number, key: number): boolean {
    this.makeLeaf(frame, rights, key);
    return this.lo(page, index) === this.maker.lo && this.hi(page, index) === this.maker.hi;
  }

  private makeLeaf(frame: number, rights: number, marks: number): void {
    this.maker.make(frame, rights);
    this.maker.markAccessed();
    if (rights & PAGE_RIGHTS.writable) this.maker.markDirty();
    this.maker.setKey(marks & KEY);
    if (marks & GLOBAL_LEAF) this.maker.markGlobal();
  }
}
