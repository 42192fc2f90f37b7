import type { EventBus } from '../../hardware/events/eventBus';
import { ACTOR, KIND, SPACE, field } from '../../hardware/events/eventTable';
import { setPair } from '../../hardware/events/eventBus';
import { LONG4 } from '../../hardware/paging/formats/long4';
import { PAE } from '../../hardware/paging/formats/pae';
import { ALL_RIGHTS, PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { frameInEntry, frameOfAddress } from '../../hardware/memory/frameNumber';
import { EntryMaker } from '../entryMaker';
import type { EntryWriter } from '../entryWriter';
import { USE } from '../host/hostFrames';
import type { OwnedFrames } from '../host/ownedFrames';
import { mmioEntryHi, mmioEntryLo, mmioGeneration } from '../mmioEntry';
import { levelOf } from './role';
import type { ShadowPages } from './shadowPages';

const ENTRIES = 512;
const FRAMES_BELOW_4_GBYTES = 0x100000;
const WRITABLE = 1 << LONG4.rights[0].bit;
const USER = 1 << LONG4.rights[1].bit;
const DIRTY = 1 << LONG4.dirtyBit;
/** Bit 51, which is reserved where physical addresses have fewer bits: what makes an MMIO SPTE fault. */
const MMIO_HI = 1 << (51 - 32);

/** Told of pages that are linked or gone. */
export interface SpteWatcher {
  linked(page: number, index: number, child: number): void;
  removed(page: number): void;
}

/**
 * The shadow entries (SPTEs): every way in which one comes to be, loses rights or goes, with the
 * reverse map or parent list that names it kept in step. A leaf stands on the reverse map of the
 * guest frame it maps, any other entry on the parent list of the shadow page it leads to.
 */
export class Sptes {
  watcher: SpteWatcher | undefined;
  private readonly maker = new EntryMaker(LONG4);

  constructor(
    private readonly pages: ShadowPages,
    private readonly frames: OwnedFrames,
    private readonly writer: EntryWriter,
    private readonly bus: EventBus,
  ) {}

  isPresent(page: number, index: number): boolean {
    return (this.writer.lo(this.pages.frameOf(page), index) & LONG4.presentMask) !== 0;
  }

  /** True of a leaf that lets the page be written. */
  isWritable(page: number, index: number): boolean {
    return this.isPresent(page, index) && (this.writer.lo(this.pages.frameOf(page), index) & WRITABLE) !== 0;
  }

  /** Shadow page that entry `index` of `page` leads to, or 0. Not for leaves. */
  childOf(page: number, index: number): number {
    return this.isPresent(page, index) ? this.frames.detailOf(this.frameIn(this.pages.frameOf(page), index)) : 0;
  }

  /** Makes a shadow page for (gfn, role) with an empty table; 0 when host memory is used up. */
  create(gfn: number, role: number, cpu: number): number {
    const frame = this.frames.allocate(USE.shadowTable, 0, cpu);
    if (frame < 0) return 0;
    this.writer.zeroFrame(frame);
    const page = this.pages.insert(gfn, role, frame);
    this.frames.setDetail(frame, page);
    this.report(KIND.shadow_page_created, page, cpu);
    return page;
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

  /** Entry `index` of `page` leads to `child` from now on. */
  link(page: number, index: number, child: number, cpu: number): void {
    const table = this.pages.frameOf(page);
    this.maker.make(this.pages.frameOf(child), ALL_RIGHTS);
    this.maker.markAccessed();
    this.write(page, index, this.maker.lo, this.maker.hi, cpu);
    this.pages.setParents(child, this.pages.lists.prepend(this.pages.parents(child), lowAddress(table, index), table >>> 20));
    this.watcher?.linked(page, index, child);
  }

  /** Leaf `index` of `page` maps host frame `frame`, which backs `gfn`. `rights`: W, U, X. */
  setLeaf(page: number, index: number, frame: number, gfn: number, rights: number, key: number, cpu: number): void {
    if (this.isPresent(page, index)) this.zap(page, index, cpu);
    const table = this.pages.frameOf(page);
    this.makeLeaf(frame, rights, key);
    this.write(page, index, this.maker.lo, this.maker.hi, cpu);
    this.pages.setLeafGfn(page, index, gfn);
    this.pages.setReverseMap(gfn, this.pages.lists.prepend(this.pages.reverseMap(gfn), lowAddress(table, index), table >>> 20));
  }

  /** Leaf `index` of `page` says that `gfn` is MMIO, and faults at each access. `rights`: W, U, X of the guest's entries. */
  setMmio(page: number, index: number, gfn: number, rights: number, generation: number, cpu: number): void {
    if (this.isPresent(page, index)) this.zap(page, index, cpu);
    const mmio = mmioGeneration(generation);
    const given = (rights & PAGE_RIGHTS.writable ? WRITABLE : 0) | (rights & PAGE_RIGHTS.user ? USER : 0);
    this.write(page, index, LONG4.presentMask | given | mmioEntryLo(gfn, mmio), MMIO_HI | mmioEntryHi(gfn, mmio), cpu);
    if (!this.bus.on[KIND.mmio_entry_made]) return;
    const record = this.bus.begin(KIND.mmio_entry_made, ACTOR.vmm, cpu);
    const table = this.pages.frameOf(page);
    setPair(record, field.gpa.at, gfn << 12, gfn >>> 20);
    setPair(record, field.hpa.at, lowAddress(table, index), table >>> 20);
    record[field.space.at] = SPACE.shadow;
    record[field.value.at] = mmio;
    this.bus.commit();
  }

  /** Takes away the entries of `page`, a page of leaves or not, that say MMIO. */
  zapMmio(page: number, cpu: number): void {
    for (let index = 0; index < ENTRIES; index++) if (this.isMmio(page, index)) this.write(page, index, 0, 0, cpu);
  }

  private isMmio(page: number, index: number): boolean {
    return this.isPresent(page, index) && (this.writer.hi(this.pages.frameOf(page), index) & MMIO_HI) !== 0;
  }

  /** Takes entry `index` of `page` away; true when there was one. */
  zap(page: number, index: number, cpu: number): boolean {
    const table = this.pages.frameOf(page);
    if (!this.isPresent(page, index)) return false;
    const lists = this.pages.lists;
    if (this.isMmio(page, index)) {
      // It maps nothing: no list names it.
    } else if (levelOf(this.pages.roleOf(page)) === 1) {
      const gfn = this.pages.leafGfn(page, index);
      this.pages.setReverseMap(gfn, lists.remove(this.pages.reverseMap(gfn), lowAddress(table, index), table >>> 20));
    } else {
      const child = this.frames.detailOf(this.frameIn(table, index));
      this.pages.setParents(child, lists.remove(this.pages.parents(child), lowAddress(table, index), table >>> 20));
    }
    this.write(page, index, 0, 0, cpu);
    return true;
  }

  /** Takes one leaf away that maps `gfn`; false when there is none. */
  zapLeafOf(gfn: number, cpu: number): boolean {
    const { lists } = this.pages;
    const link = this.pages.reverseMap(gfn);
    if (link === 0) return false;
    const table = frameOfAddress(lists.lo(link), lists.hi(link));
    return this.zap(this.frames.detailOf(table), (lists.lo(link) >>> 3) & (ENTRIES - 1), cpu);
  }

  /** Clears W in every leaf that maps `gfn`; true when one had it. */
  writeProtect(gfn: number, cpu: number): boolean {
    const lists = this.pages.lists;
    let hadIt = false;
    for (let link = this.pages.reverseMap(gfn); link !== 0; link = lists.next(link)) {
      const table = frameOfAddress(lists.lo(link), lists.hi(link));
      const index = (lists.lo(link) >>> 3) & (ENTRIES - 1);
      const lo = this.writer.lo(table, index);
      if ((lo & WRITABLE) === 0) continue;
      hadIt = true;
      this.write(this.frames.detailOf(table), index, lo & ~(WRITABLE | DIRTY), this.writer.hi(table, index), cpu);
    }
    return hadIt;
  }

  /** Calls `visit` with each shadow page and index of an entry that leads to `page`. */
  forEachParent(page: number, visit: (parent: number, index: number) => void): void {
    const { lists } = this.pages;
    for (let link = this.pages.parents(page); link !== 0; link = lists.next(link)) {
      visit(this.frames.detailOf(frameOfAddress(lists.lo(link), lists.hi(link))), (lists.lo(link) >>> 3) & (ENTRIES - 1));
    }
  }

  /** Is leaf `index` of `page` as `setLeaf` would make it? */
  isLeafOf(page: number, index: number, frame: number, rights: number, key: number): boolean {
    const table = this.pages.frameOf(page);
    this.makeLeaf(frame, rights, key);
    return this.writer.lo(table, index) === this.maker.lo && this.writer.hi(table, index) === this.maker.hi;
  }

  /** Takes a whole shadow page away: its entries, the entries that lead to it, and its frame. */
  zapPage(page: number, cpu: number): void {
    this.zapEntries(page, cpu);
    const lists = this.pages.lists;
    for (let link = this.pages.parents(page); link !== 0; link = this.pages.parents(page)) {
      const table = frameOfAddress(lists.lo(link), lists.hi(link));
      this.zap(this.frames.detailOf(table), (lists.lo(link) >>> 3) & (ENTRIES - 1), cpu);
    }
    this.report(KIND.shadow_page_zapped, page, cpu);
    const frame = this.pages.frameOf(page);
    this.watcher?.removed(page);
    this.pages.remove(page);
    this.frames.release(frame);
  }

  /** Takes all entries of a shadow page away. */
  zapEntries(page: number, cpu: number): void {
    for (let index = 0; index < ENTRIES; index++) this.zap(page, index, cpu);
  }

  private makeLeaf(frame: number, rights: number, key: number): void {
    this.maker.make(frame, rights);
    this.maker.markAccessed();
    if (rights & PAGE_RIGHTS.writable) this.maker.markDirty();
    this.maker.setKey(key);
  }

  private write(page: number, index: number, lo: number, hi: number, cpu: number): void {
    const level = levelOf(this.pages.roleOf(page));
    this.writer.write(SPACE.shadow, ACTOR.vmm, cpu, level, this.pages.frameOf(page), index, lo, hi);
  }

  private frameIn(table: number, index: number): number {
    return frameInEntry(this.writer.lo(table, index), this.writer.hi(table, index));
  }

  /** Emits an event of `kind` about shadow page `page`. */
  report(kind: number, page: number, cpu: number): void {
    if (!this.bus.on[kind]) return;
    const record = this.bus.begin(kind, ACTOR.vmm, cpu);
    const gfn = this.pages.gfnOf(page);
    const frame = this.pages.frameOf(page);
    setPair(record, field.gpa.at, gfn << 12, gfn >>> 20);
    setPair(record, field.hpa.at, frame << 12, frame >>> 20);
    record[field.level.at] = levelOf(this.pages.roleOf(page));
    record[field.value.at] = this.pages.roleOf(page);
    record[field.index.at] = page;
    this.bus.commit();
  }
}

function lowAddress(table: number, index: number): number {
  return (table << 12) | (index << 3);
}
