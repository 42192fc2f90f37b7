import { CachedLines, type LineSettings, USUAL_WAYS } from './cachedLines';
import { DIRTY, GLOBAL, lineRights, LINE_SHIFT, PAGE_BASE, SAME } from './lineLayout';
import { PAGE_SHIFT, type RecentHits } from './recentHits';
import type { StateClaims } from '../state/registry';
import type { WalkResult } from '../paging/walkResult';

/** log2 of the page sizes that there are: 4 KBytes, 2 MBytes, 4 MBytes (32-bit paging), 1 GByte. */
export const PAGE_SHIFTS = [PAGE_SHIFT, 21, 22, 30] as const;

export interface TlbSettings extends LineSettings {
  /**
   * log2 of the page sizes that a line can hold whole; left out: all. A larger page is held as fragments of the next
   * smaller size. Lines of 4 KBytes there always are.
   */
  readonly pageShifts?: readonly number[];
}

/**
 * One level of translation lookaside buffer. SDM Vol. 3, "Translation Lookaside Buffers (TLBs)": a line maps a page of
 * linear addresses (of guest-physical ones, in a nested TLB), with the rights of all entries used and whether the
 * dirty flag is set. Which lines the current context sees is in `CachedLines`.
 */
export class Tlb extends CachedLines {
  /** Size that a page of each shift is held in. */
  private readonly heldShift = new Int8Array(64);
  /** GLOBAL, or 0 where no line is. */
  globals = 0;

  /** `hits`: what is remembered of accesses that hit, if somebody remembers. */
  constructor(registry: StateClaims, name: string, settings: TlbSettings, hits?: RecentHits) {
    super(registry, name, settings, PAGE_SHIFTS, hits);
    const held = PAGE_SHIFTS.filter((shift) => shift === PAGE_SHIFT || (settings.pageShifts ?? PAGE_SHIFTS).includes(shift));
    for (let shift = 0; shift < this.heldShift.length; shift++) {
      this.heldShift[shift] = Math.max(PAGE_SHIFT, ...held.filter((size) => size <= shift));
    }
  }

  /** CR4.PGE: without it no line is global, whatever the entry says. SDM Vol. 3, "Global Pages". */
  useGlobals(pge: 'on' | 'off'): void {
    this.globals = pge === 'on' ? GLOBAL : 0;
  }

  /** As every cache's; that no line is of a page of 4 KBytes is told first, and with constants: mostly that is the answer. */
  override search(lo: number, hi: number): number {
    return this.population.larger === 0 && this.lacks(lo, hi) ? -1 : super.search(lo, hi);
  }

  /** Is no line of its set of an address's page of 4 KBytes, of whatever context and high half? False where it is not as easily said. */
  private lacks(lo: number, hi: number): boolean {
    const { words, setMask } = this;
    if (this.ways !== USUAL_WAYS || setMask < 0) return false;
    const wanted = lo & PAGE_BASE | this.valid;
    const at = ((lo >>> PAGE_SHIFT | hi << 32 - PAGE_SHIFT) & setMask) << LINE_SHIFT + 2;
    return (words[at]! & SAME) !== wanted && (words[at | 1 << LINE_SHIFT]! & SAME) !== wanted
      && (words[at | 2 << LINE_SHIFT]! & SAME) !== wanted && (words[at | 3 << LINE_SHIFT]! & SAME) !== wanted;
  }

  /** Line that maps an address in the current context, or -1; makes it the most recently used of its set. */
  lookup(lo: number, hi: number): number {
    const line = this.peek(lo, hi);
    if (line >= 0) this.touch(line);
    return line;
  }

  /** Caches what a walk found for the page around an address, in place of whatever maps it already. Comes back with the line. */
  fill(lo: number, hi: number, found: WalkResult): number {
    this.dropKnown(lo, hi);
    return this.add(lo, hi, found);
  }

  /** As `fill`, for an address that nothing maps. */
  add(lo: number, hi: number, found: WalkResult): number {
    const flags = ((found.global << 1) & this.globals) | (found.dirty << 2);
    const rights = lineRights(found.rights, found.nestedRights, found.key);
    if (found.pageShift !== PAGE_SHIFT) return this.addLarge(lo, hi, found, flags, rights);
    const at = this.placeSmallest(lo & PAGE_BASE | flags, lo, hi, rights);
    this.leadTo(at, found.hpaLo & PAGE_BASE, found.hpaHi, found.gpaLo & PAGE_BASE, found.gpaHi);
    return this.lineAt(at);
  }

  private addLarge(lo: number, hi: number, found: WalkResult, flags: number, rights: number): number {
    const shift = this.heldShift[found.effectiveShift]!;
    const base = -(1 << shift);
    const at = this.place(lo, hi, shift, Math.max(shift, found.pageShift), flags, rights);
    this.leadTo(at, found.hpaLo & base, found.hpaHi, found.gpaLo & base, found.gpaHi);
    return this.lineAt(at);
  }

  /** Takes over a line that another level of TLB has for an address of the current context. Comes back with the line here. */
  refill(lo: number, hi: number, from: Tlb, source: number): number {
    const shift = this.heldShift[from.shift(source)]!;
    const flags = (from.isGlobal(source) ? GLOBAL : 0) | (from.isDirty(source) ? DIRTY : 0);
    const at = this.place(lo, hi, shift, from.wholeShift(source), flags, from.allRights(source));
    const line = this.lineAt(at);
    const offset = (lo & ((1 << from.shift(source)) - 1)) & -(1 << shift);
    this.leadTo(at, from.hpaLo(source) | offset, from.hpaHi(source), from.targetLo(source) | offset, from.targetHi(source));
    this.takeContext(line, from, source);
    return line;
  }

  /** Drops what maps an address in the current context, so that a new line is the only one. */
  dropKnown(lo: number, hi: number): void {
    for (let known = this.peek(lo, hi); known >= 0; known = this.peek(lo, hi)) this.drop(known);
  }
}
