import { setPair, type EventBus } from '../../hardware/events/eventBus';
import { ACTOR, KIND, SPACE, field } from '../../hardware/events/eventTable';
import { frameInEntry, frameOfAddress } from '../../hardware/memory/frameNumber';
import { ALL_RIGHTS } from '../../hardware/paging/accessRights';
import { EPT4 } from '../../hardware/paging/formats/ept4';
import type { StateClaims } from '../../hardware/state/registry';
import type { TrackedWords } from '../../hardware/state/trackedWords';
import { EntryMaker } from '../entryMaker';
import type { EntryWriter } from '../entryWriter';
import { USE } from '../host/hostFrames';
import type { OwnedFrames } from '../host/ownedFrames';
import type { ShadowPages } from '../shadowWp/shadowPages';
import { isDirect02, levelOf02 } from './ept02Role';

const ENTRIES = 512;
const WRITABLE = 1 << EPT4.rights[1].bit;
/** SDM Vol. 3, "EPT and Memory Typing". */
const WRITE_BACK = 6;

/** Where an entry stands that may have gone. */
interface Place {
  readonly page: number;
  readonly index: number;
}

/**
 * The entries of EPT02, L0's shadow of the EPT that L1 has made for L2: every way in which one comes to be, loses W or goes,
 * with the reverse map or parent list that names it kept in step. A leaf stands on the reverse map of L1's frame that it
 * maps, any other entry on the parent list of the shadow page it leads to.
 */
export class Ept02 {
  private readonly maker = new EntryMaker(EPT4);
  /** L1's frame that each leaf maps (KVM's shadowed_translation): two of them may lie in one host frame. */
  private readonly mapped: TrackedWords;

  constructor(
    registry: StateClaims,
    readonly pages: ShadowPages,
    private readonly frames: OwnedFrames,
    private readonly writer: EntryWriter,
    private readonly bus: EventBus,
  ) {
    this.mapped = registry.tracked('shadow.translations', ENTRIES);
  }

  isPresent(page: number, index: number): boolean {
    return (this.lo(page, index) & EPT4.presentMask) !== 0;
  }

  /** Shadow page that entry `index` of `page` leads to, or 0. Not for leaves. */
  childOf(page: number, index: number): number {
    return this.isPresent(page, index) ? this.frames.detailOf(this.frameIn(page, index)) : 0;
  }

  /** L1's frames with a table of EPT12 that has a shadow page: writes to them must be seen. */
  isShadowed(gfn: number): boolean {
    let page = this.pages.nextOf(gfn, 0);
    while (page !== 0 && isDirect02(this.pages.roleOf(page))) page = this.pages.nextOf(gfn, page);
    return page !== 0;
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

  /** Entry `index` of `page` leads to `child` from now on, with every right: the child's role withholds what L1 does. */
  link(page: number, index: number, child: number, cpu: number): void {
    this.maker.make(this.pages.frameOf(child), ALL_RIGHTS);
    this.write(page, index, this.maker.lo, this.maker.hi, cpu);
    const { lo, hi } = this.address(page, index);
    this.pages.setParents(child, this.pages.lists.prepend(this.pages.parents(child), lo, hi));
  }

  /** Leaf `index` of `page` maps host frame `frame`, which backs L1's `gfn`. `rights`: R, W, X. */
  setLeaf(page: number, index: number, frame: number, gfn: number, rights: number, cpu: number): void {
    if (this.isPresent(page, index)) this.zap(page, index, cpu);
    this.maker.make(frame, rights);
    this.maker.setMemoryType(WRITE_BACK);
    this.write(page, index, this.maker.lo, this.maker.hi, cpu);
    const { lo, hi } = this.address(page, index);
    this.mapped.ensure(ENTRIES * (page + 1));
    this.mapped.write(ENTRIES * page + index, gfn);
    this.pages.setReverseMap(gfn, this.pages.lists.prepend(this.pages.reverseMap(gfn), lo, hi));
  }

  /** Takes entry `index` of `page` away; true when there was one. */
  zap(page: number, index: number, cpu: number): boolean {
    if (!this.isPresent(page, index)) return false;
    const { lists } = this.pages;
    const { lo, hi } = this.address(page, index);
    if (levelOf02(this.pages.roleOf(page)) === 1) {
      const gfn = this.gfnAt(page, index);
      this.pages.setReverseMap(gfn, lists.remove(this.pages.reverseMap(gfn), lo, hi));
    } else {
      const child = this.childOf(page, index);
      this.pages.setParents(child, lists.remove(this.pages.parents(child), lo, hi));
    }
    this.write(page, index, 0, 0, cpu);
    return true;
  }

  /** Clears W in every leaf that maps L1's `gfn`; true when one had it. */
  writeProtect(gfn: number, cpu: number): boolean {
    const { lists } = this.pages;
    let hadIt = false;
    for (let link = this.pages.reverseMap(gfn); link !== 0; link = lists.next(link)) {
      const { page, index } = this.placeOf(link);
      const lo = this.lo(page, index);
      if ((lo & WRITABLE) === 0) continue;
      hadIt = true;
      this.write(page, index, lo & ~WRITABLE, this.writer.hi(this.pages.frameOf(page), index), cpu);
    }
    return hadIt;
  }

  /** Takes every leaf away that maps L1's `gfn`; gives how many there were. */
  zapLeavesOf(gfn: number, cpu: number): number {
    let zapped = 0;
    for (let link = this.pages.reverseMap(gfn); link !== 0; link = this.pages.reverseMap(gfn)) {
      const { page, index } = this.placeOf(link);
      this.zap(page, index, cpu);
      zapped++;
    }
    return zapped;
  }

  /** Takes every entry of a shadow page away. */
  zapEntries(page: number, cpu: number): void {
    for (let index = 0; index < ENTRIES; index++) this.zap(page, index, cpu);
  }

  /** Takes a whole shadow page away: its entries, the entries that lead to it, and its frame. */
  zapPage(page: number, cpu: number): void {
    this.zapEntries(page, cpu);
    for (let link = this.pages.parents(page); link !== 0; link = this.pages.parents(page)) {
      const parent = this.placeOf(link);
      this.zap(parent.page, parent.index, cpu);
    }
    this.report(KIND.shadow_page_zapped, page, cpu);
    const frame = this.pages.frameOf(page);
    this.pages.remove(page);
    this.frames.release(frame);
  }

  /** L1's frame that leaf `index` of `page`, which is present, maps. */
  gfnAt(page: number, index: number): number {
    return this.mapped.words[ENTRIES * page + index]!;
  }

  private frameIn(page: number, index: number): number {
    const table = this.pages.frameOf(page);
    return frameInEntry(this.writer.lo(table, index), this.writer.hi(table, index));
  }

  private lo(page: number, index: number): number {
    return this.writer.lo(this.pages.frameOf(page), index);
  }

  private address(page: number, index: number): { readonly lo: number; readonly hi: number } {
    const table = this.pages.frameOf(page);
    return { lo: (table << 12) | (index << 3), hi: table >>> 20 };
  }

  private placeOf(link: number): Place {
    const { lists } = this.pages;
    return { page: this.frames.detailOf(frameOfAddress(lists.lo(link), lists.hi(link))), index: (lists.lo(link) >>> 3) & (ENTRIES - 1) };
  }

  private write(page: number, index: number, lo: number, hi: number, cpu: number): void {
    this.writer.write(SPACE.ept, ACTOR.vmm, cpu, levelOf02(this.pages.roleOf(page)), this.pages.frameOf(page), index, lo, hi);
  }

  private report(kind: number, page: number, cpu: number): void {
    if (!this.bus.on[kind]) return;
    const record = this.bus.begin(kind, ACTOR.vmm, cpu);
    const gfn = this.pages.gfnOf(page);
    const frame = this.pages.frameOf(page);
    setPair(record, field.gpa.at, gfn << 12, gfn >>> 20);
    setPair(record, field.hpa.at, frame << 12, frame >>> 20);
    record[field.level.at] = levelOf02(this.pages.roleOf(page));
    record[field.value.at] = this.pages.roleOf(page);
    record[field.index.at] = page;
    this.bus.commit();
  }
}
