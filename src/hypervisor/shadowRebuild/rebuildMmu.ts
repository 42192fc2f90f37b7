import { ACCESS } from '../../hardware/paging/accessKinds';
import { walk } from '../../hardware/paging/walk';
import { EFFECTS, WALK, WHY } from '../../hardware/paging/walkOutcome';
import { frameOfAddress } from '../../hardware/memory/frameNumber';
import type { TranslationSpace } from '../../hardware/paging/translationSpace';
import { indexAt, SPANNED_PAGES } from '../host/hostProcess';
import { levelOf } from '../shadowWp/role';
import { ShadowMmu } from '../shadowWp/shadowMmu';

const PAGE_SHIFT = 12;
const PAGES_OF_4_GBYTES = 0x100000;
const TABLE_PAGES = 512;
/** Roots of a guest without a fourth level of tables. */
const PAE_ROOTS = 4;

/**
 * What the listing of shadow-rebuild works on. Pages of the linear-address space are numbered from 0 to `pages - 1`, without the
 * bits that the canonical form repeats.
 */
export class RebuildMmu extends ShadowMmu {
  /** Of the page found last: guest frame, and the host frame behind it. */
  foundGfn = 0;
  foundFrame = 0;

  /** While pages are looked at: the 2 MBytes, by number, that were looked at last, and the shadow page of level 1 there. */
  private lookedRegion = -1;
  private lookedTable = 0;

  /** Pages of the guest's linear-address space. */
  get pageCount(): number {
    return this.paging === 'long' ? SPANNED_PAGES[this.rootLevel + 1]! : PAGES_OF_4_GBYTES;
  }

  pageOf(gvaLo: number, gvaHi: number): number {
    return ((gvaHi >>> 0) * PAGES_OF_4_GBYTES + (gvaLo >>> PAGE_SHIFT)) % this.pageCount;
  }

  gvaLo(page: number): number {
    return (page % PAGES_OF_4_GBYTES) << PAGE_SHIFT;
  }

  /** Canonical: the upper half of the pages has ones above. */
  gvaHi(page: number): number {
    const count = this.pageCount;
    const isUpper = count > PAGES_OF_4_GBYTES && page >= count / 2;
    return Math.floor((isUpper ? page - count : page) / PAGES_OF_4_GBYTES) | 0;
  }

  /**
   * The first page from `page` to `last` that can have an SPTE without a fault, and has none: the guest maps it, every entry on
   * the way was accessed, and the host backs it. The guest walk made last is then its own; -1 when there is none. Changes nothing.
   */
  nextMapped(page: number, last: number): number {
    this.lookedRegion = -1;
    const space = this.guestTables();
    let next = page;
    while (next <= last) {
      if (!this.isMapped(space, next)) {
        next = this.behindRefusal(space, next);
        continue;
      }
      const pages = space.compiled.levels === 0 ? this.pageCount : 2 ** (space.result.pageShift - PAGE_SHIFT);
      const end = (Math.floor(next / pages) + 1) * pages;
      const first = frameOfAddress(space.result.gpaLo, space.result.gpaHi);
      if (this.wasAccessed(space)) {
        // Behind the last slot nothing is backed.
        const behind = Math.min(first + Math.min(end, last + 1) - next, this.memory.frames);
        for (let gfn = this.memory.nextBacked(first, behind); gfn < behind; gfn = this.memory.nextBacked(gfn + 1, behind)) {
          if (this.isMissing(next + gfn - first)) return this.found(next + gfn - first, gfn);
        }
      }
      next = end;
    }
    return -1;
  }

  /** First page that entry `index` of shadow page `sp` stands for on the way from a root of this vCPU, or -1: none leads there. */
  firstPageOf(sp: number, index: number): number {
    const start = this.startOf(sp);
    return start < 0 ? -1 : start + index * this.spanAt(sp);
  }

  /** Pages that an entry of shadow page `sp` spans. */
  spanAt(sp: number): number {
    return SPANNED_PAGES[levelOf(this.pages.roleOf(sp))]!;
  }

  /** No root is this vCPU's any more. */
  dropRoots(): void {
    for (let i = 0; i < PAE_ROOTS; i++) {
      this.pinRoot(i, 0);
      if (this.vcpu.paeRoot !== 0) this.setPaeRoot(i, 0);
    }
  }

  private startOf(sp: number): number {
    for (let i = 0; i < PAE_ROOTS; i++) if (this.vcpu.rootPageOf(i) === sp) return i << 18;
    let start = -1;
    this.sptes.forEachParent(sp, (parent, index) => {
      if (start < 0) start = this.firstPageOf(parent, index);
    });
    return start;
  }

  /** A walk for whoever may read the page: the supervisor, or, of a user page that SMAP keeps from it, the user. */
  private isMapped(space: TranslationSpace, page: number): boolean {
    const [lo, hi] = [this.gvaLo(page), this.gvaHi(page)];
    if (walk(space, lo, hi, ACCESS.read, EFFECTS.none) === WALK.mapped) return true;
    return space.result.why === WHY.rights && walk(space, lo, hi, ACCESS.read | ACCESS.user, EFFECTS.none) === WALK.mapped;
  }

  /** The page at which the next entry begins that may lead further: of the table that the walk ended in, or behind it. */
  private behindRefusal({ compiled, result, memory }: TranslationSpace, page: number): number {
    const isOutside = result.outcome === WALK.tableUnreachable;
    const level = isOutside ? result.level + 1 : result.level;
    if (level > compiled.levels) return this.pageCount;
    const span = 2 ** (compiled.shifts[level]! - PAGE_SHIFT);
    let entries = 1;
    if (!isOutside && result.why === WHY.notPresent && level !== compiled.registerLevel) {
      const [lo, hi] = [result.entryHpaLo[level]!, result.entryHpaHi[level]!];
      const bytes = 1 << compiled.entryShift;
      while (((lo + entries * bytes) & 0xfff) !== 0 && (memory.load32(lo + entries * bytes, hi) & compiled.presentMask) === 0) entries++;
    }
    return (Math.floor(page / span) + entries) * span;
  }

  /** A in every entry that has it: without it the processor would have to set it. SDM Vol. 3, "Accessed and Dirty Flags". */
  private wasAccessed({ compiled, result }: TranslationSpace): boolean {
    for (let level = compiled.flagsTop; level >= result.level && level > 0; level--) {
      if ((result.entryLo[level]! & compiled.accessedMask) === 0) return false;
    }
    return true;
  }

  private found(page: number, gfn: number): number {
    this.foundGfn = gfn;
    this.foundFrame = this.memory.frameOf(gfn);
    return page;
  }

  /** No SPTE maps the page. */
  private isMissing(page: number): boolean {
    const region = Math.floor(page / TABLE_PAGES);
    if (region !== this.lookedRegion) this.lookAtRegion(region);
    return this.lookedTable === 0 || !this.sptes.isPresent(this.lookedTable, page % TABLE_PAGES);
  }

  /** Finds the shadow page of level 1 for 2 MBytes of linear addresses, or 0. */
  private lookAtRegion(region: number): void {
    let { page: sp, level } = this.rootFor(this.gvaLo(region * TABLE_PAGES));
    for (; level > 1 && sp !== 0; level--) sp = this.sptes.childOf(sp, indexAt(region * TABLE_PAGES, level));
    this.lookedRegion = region;
    this.lookedTable = sp;
  }
}
