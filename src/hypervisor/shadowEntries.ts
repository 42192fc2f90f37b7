import { setPair, type EventBus } from '../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../hardware/events/eventTable';
import { frameInEntry, frameOfAddress } from '../hardware/memory/frameNumber';
import { ALL_RIGHTS } from '../hardware/paging/accessRights';
import type { PagingFormat } from '../hardware/paging/pagingFormat';
import { EntryMaker } from './entryMaker';
import type { EntryWriter } from './entryWriter';
import { USE } from './host/hostFrames';
import type { OwnedFrames } from './host/ownedFrames';
import type { ShadowPages } from './shadowWp/shadowPages';

export const ENTRIES = 512;

/** In what shadow entries of one kind differ from those of another. */
export interface ShadowEntryKind {
  readonly format: PagingFormat;
  /** `SPACE.…` of their tables. */
  readonly space: number;
  /** Level of the table that a shadow page of this role is. */
  readonly levelOf: (role: number) => number;
  /** W, in the low half. */
  readonly writable: number;
  /** What goes with W when it is taken away. */
  readonly writtenMarks: number;
  /** What an entry that leads to a table has beside its rights, in the low half. */
  readonly tableMarks: number;
  /** Bits of the high half that say of a present entry that it maps nothing, so that no list names it. */
  readonly mapsNothingHi: number;
}

/** Told of pages that are linked or gone. */
export interface SpteWatcher {
  linked(page: number, index: number, child: number): void;
  removed(page: number): void;
}

/**
 * Shadow entries: every way in which one comes to be, loses rights or goes, with the reverse map or parent list that names it
 * kept in step. A leaf stands on the reverse map of the guest frame it maps, any other entry on the parent list of the shadow
 * page it leads to.
 */
export class ShadowEntries {
  watcher: SpteWatcher | undefined;
  protected readonly maker: EntryMaker;

  constructor(
    readonly pages: ShadowPages,
    protected readonly frames: OwnedFrames,
    protected readonly writer: EntryWriter,
    protected readonly bus: EventBus,
    private readonly kind: ShadowEntryKind,
  ) {
    this.maker = new EntryMaker(kind.format);
  }

  isPresent(page: number, index: number): boolean {
    return (this.lo(page, index) & this.kind.format.presentMask) !== 0;
  }

  /** True of a leaf that lets the page be written. */
  isWritable(page: number, index: number): boolean {
    return this.isPresent(page, index) && (this.lo(page, index) & this.kind.writable) !== 0;
  }

  /** Entry `index` of `page`, above the last level, maps a large page. */
  isLarge(page: number, index: number): boolean {
    return this.levelOf(page) > 1 && this.isPresent(page, index) && ((this.lo(page, index) >>> this.kind.format.leafBit) & 1) !== 0;
  }

  /** Some leaf maps `gfn`, by itself or with others. */
  isMapped(gfn: number): boolean {
    return this.pages.reverseMap(gfn) !== 0 || this.pages.reverseMap(gfn, 2) !== 0;
  }

  /** Shadow page that entry `index` of `page` leads to; 0: none, or it maps a large page. Not for the last level. */
  childOf(page: number, index: number): number {
    return this.isPresent(page, index) && !this.isLarge(page, index) ? this.frames.detailOf(frameInEntry(this.lo(page, index), this.hi(page, index))) : 0;
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

  /** Entry `index` of `page` leads to `child` from now on, with every right: the child's entries and role withhold what must be. */
  link(page: number, index: number, child: number, cpu: number): void {
    this.maker.make(this.pages.frameOf(child), ALL_RIGHTS);
    this.write(page, index, this.maker.lo | this.kind.tableMarks, this.maker.hi, cpu);
    this.pages.setParents(child, this.pages.lists.prepend(this.pages.parents(child), this.addressLo(page, index), this.addressHi(page)));
    this.watcher?.linked(page, index, child);
  }

  /** Takes entry `index` of `page` away; true when there was one. */
  zap(page: number, index: number, cpu: number): boolean {
    if (!this.isPresent(page, index)) return false;
    const { lists } = this.pages;
    if (this.mapsNothing(page, index)) {
      // No list names it.
    } else if (this.levelOf(page) === 1 || this.isLarge(page, index)) {
      const gfn = this.pages.leafGfn(page, index);
      const level = this.levelOf(page);
      this.pages.setReverseMap(gfn, level, lists.remove(this.pages.reverseMap(gfn, level), this.addressLo(page, index), this.addressHi(page)));
    } else {
      const child = this.childOf(page, index);
      this.pages.setParents(child, lists.remove(this.pages.parents(child), this.addressLo(page, index), this.addressHi(page)));
    }
    this.write(page, index, 0, 0, cpu);
    return true;
  }

  /** Takes one leaf away that maps `gfn`; false when there is none. */
  zapLeafOf(gfn: number, cpu: number): boolean {
    const small = this.pages.reverseMap(gfn);
    const link = small === 0 ? this.pages.reverseMap(gfn, 2) : small;
    return link !== 0 && this.zap(this.pageAt(link), this.indexAt(link), cpu);
  }

  /** Clears W in every leaf that maps `gfn`; what maps it with others goes. True when one had W, or is gone. */
  writeProtect(gfn: number, cpu: number): boolean {
    const { writable, writtenMarks } = this.kind;
    let hadIt = false;
    for (let link = this.pages.reverseMap(gfn); link !== 0; link = this.pages.lists.next(link)) {
      const page = this.pageAt(link);
      const index = this.indexAt(link);
      const lo = this.lo(page, index);
      if ((lo & writable) === 0) continue;
      hadIt = true;
      this.write(page, index, lo & ~(writable | writtenMarks), this.hi(page, index), cpu);
    }
    for (let link = this.pages.reverseMap(gfn, 2); link !== 0; link = this.pages.reverseMap(gfn, 2)) {
      hadIt = true;
      this.zap(this.pageAt(link), this.indexAt(link), cpu);
    }
    return hadIt;
  }

  /** Calls `visit` with each shadow page and index of an entry that leads to `page`. */
  forEachParent(page: number, visit: (parent: number, index: number) => void): void {
    for (let link = this.pages.parents(page); link !== 0; link = this.pages.lists.next(link)) visit(this.pageAt(link), this.indexAt(link));
  }

  /** Takes a whole shadow page away: its entries, the entries that lead to it, and its frame. */
  zapPage(page: number, cpu: number): void {
    this.zapEntries(page, cpu);
    for (let link = this.pages.parents(page); link !== 0; link = this.pages.parents(page)) this.zap(this.pageAt(link), this.indexAt(link), cpu);
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

  /** Emits an event of `kind` about shadow page `page`. */
  report(kind: number, page: number, cpu: number): void {
    if (!this.bus.on[kind]) return;
    const record = this.bus.begin(kind, ACTOR.vmm, cpu);
    const gfn = this.pages.gfnOf(page);
    const frame = this.pages.frameOf(page);
    setPair(record, field.gpa.at, gfn << 12, gfn >>> 20);
    setPair(record, field.hpa.at, frame << 12, frame >>> 20);
    record[field.level.at] = this.levelOf(page);
    record[field.value.at] = this.pages.roleOf(page);
    record[field.index.at] = page;
    this.bus.commit();
  }

  /** Leaf `index` of `page` is (lo, hi), which maps guest frame `gfn`. */
  protected writeLeaf(page: number, index: number, gfn: number, lo: number, hi: number, cpu: number): void {
    this.zap(page, index, cpu);
    this.write(page, index, lo, hi, cpu);
    this.pages.setLeafGfn(page, index, gfn);
    const level = this.levelOf(page);
    this.pages.setReverseMap(gfn, level, this.pages.lists.prepend(this.pages.reverseMap(gfn, level), this.addressLo(page, index), this.addressHi(page)));
  }

  protected write(page: number, index: number, lo: number, hi: number, cpu: number): void {
    this.writer.write(this.kind.space, ACTOR.vmm, cpu, this.levelOf(page), this.pages.frameOf(page), index, lo, hi);
  }

  /** A present entry that maps nothing. */
  protected mapsNothing(page: number, index: number): boolean {
    return this.isPresent(page, index) && (this.hi(page, index) & this.kind.mapsNothingHi) !== 0;
  }

  protected lo(page: number, index: number): number {
    return this.writer.lo(this.pages.frameOf(page), index);
  }

  protected hi(page: number, index: number): number {
    return this.writer.hi(this.pages.frameOf(page), index);
  }

  /** Host-physical address of an entry, low half. */
  protected addressLo(page: number, index: number): number {
    return (this.pages.frameOf(page) << 12) | (index << 3);
  }

  protected addressHi(page: number): number {
    return this.pages.frameOf(page) >>> 20;
  }

  private levelOf(page: number): number {
    return this.kind.levelOf(this.pages.roleOf(page));
  }

  /** Shadow page with the entry that a link names. */
  private pageAt(link: number): number {
    return this.frames.detailOf(frameOfAddress(this.pages.lists.lo(link), this.pages.lists.hi(link)));
  }

  private indexAt(link: number): number {
    return (this.pages.lists.lo(link) >>> 3) & (ENTRIES - 1);
  }
}
