import {
  CachedLines, DIRTY, EPT_RIGHTS_AT, GLOBAL, HPA, KEY_AT, LINE_WORDS, type LineSettings, RIGHTS, TAGS, TARGET,
} from './cachedLines';
import type { Registry } from '../state/registry';
import type { WalkResult } from '../paging/walkResult';

/** log2 of the page sizes that there are: 4 KBytes, 2 MBytes, 4 MBytes (32-bit paging), 1 GByte. */
export const PAGE_SHIFTS = [12, 21, 22, 30] as const;

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
  private globals = 0;

  constructor(registry: Registry, name: string, settings: TlbSettings) {
    super(registry, name, settings, PAGE_SHIFTS);
    const held = PAGE_SHIFTS.filter((shift) => shift === PAGE_SHIFTS[0] || (settings.pageShifts ?? PAGE_SHIFTS).includes(shift));
    for (let shift = 0; shift < this.heldShift.length; shift++) {
      this.heldShift[shift] = Math.max(PAGE_SHIFTS[0], ...held.filter((size) => size <= shift));
    }
  }

  /** CR4.PGE: without it no line is global, whatever the entry says. SDM Vol. 3, "Global Pages". */
  useGlobals(pge: 'on' | 'off'): void {
    this.globals = pge === 'on' ? GLOBAL : 0;
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
    const shift = this.heldShift[found.effectiveShift]!;
    const flags = (found.global === 0 ? 0 : this.globals) | (found.dirty === 0 ? 0 : DIRTY);
    const line = this.place(lo, hi, shift, Math.max(shift, found.pageShift), flags);
    const offset = (1 << shift) - 1;
    const at = line * LINE_WORDS;
    const { words } = this;
    words[at + RIGHTS] = found.rights | (found.nestedRights << EPT_RIGHTS_AT) | (found.key << KEY_AT);
    words[at + TARGET] = found.gpaLo & ~offset;
    words[at + TARGET + 1] = found.gpaHi;
    words[at + HPA] = found.hpaLo & ~offset;
    words[at + HPA + 1] = found.hpaHi;
    return line;
  }

  key(line: number): number { return (this.words[line * LINE_WORDS + RIGHTS]! >>> KEY_AT) & 15; }
  gpaLo(line: number): number { return this.words[line * LINE_WORDS + TARGET]!; }
  gpaHi(line: number): number { return this.words[line * LINE_WORDS + TARGET + 1]!; }
  hpaLo(line: number): number { return this.words[line * LINE_WORDS + HPA]!; }
  hpaHi(line: number): number { return this.words[line * LINE_WORDS + HPA + 1]!; }

  /** Takes over a line that another level of TLB has for an address of the current context. Comes back with the line here. */
  refill(lo: number, hi: number, from: Tlb, source: number): number {
    const shift = this.heldShift[from.shift(source)]!;
    const there = source * LINE_WORDS;
    const flags = from.words[there]! & (GLOBAL | DIRTY);
    const line = this.place(lo, hi, shift, from.wholeShift(source), flags);
    const at = line * LINE_WORDS;
    const offset = (lo & ((1 << from.shift(source)) - 1)) & -(1 << shift);
    const { words } = this;
    // A global line keeps the PCID that it was made under.
    words[at + TAGS] = from.words[there + TAGS]!;
    words[at + RIGHTS] = from.words[there + RIGHTS]!;
    words[at + TARGET] = from.gpaLo(source) | offset;
    words[at + TARGET + 1] = from.gpaHi(source);
    words[at + HPA] = from.hpaLo(source) | offset;
    words[at + HPA + 1] = from.hpaHi(source);
    return line;
  }

  /** Drops what maps an address in the current context, so that a new line is the only one. */
  dropKnown(lo: number, hi: number): void {
    for (let known = this.peek(lo, hi); known >= 0; known = this.peek(lo, hi)) this.drop(known);
  }
}
