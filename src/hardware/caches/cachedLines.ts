import { ContextNumbers, PCID_AT, VPID_MASK } from './contextNumbers';
import type { LineFilter } from './lineFilter';
import {
  CONTEXT_AT, COUNTED, DIRTY, EPT_RIGHTS_AT, FRAGMENT, GLOBAL, HINTED, HPA, KEY_AT, LINE_SHIFT, MAPPING_AT, MAPPING_MASK,
  NOT_CONTEXT, PAGE_BASE, PAGE_HI, RIGHTS, RIGHTS_MASK, SAME, SIZE_AT, SIZE_MASK, TARGET, USED, VALID, WHOLE_AT,
} from './lineLayout';
import { LinePopulation } from './linePopulation';
import { PAGE_SHIFT, recentHitAt, type RecentHits } from './recentHits';
import type { StateClaims } from '../state/registry';

/**
 * What a line maps. SDM Vol. 3, "Information That May Be Cached": linear mappings by VPID and PCID; combined mappings by
 * VPID, PCID and EPT root; guest-physical mappings by EPT root. Of AMD's processors the ASID stands for VPID and root.
 */
export const MAPPING = {
  linear: 0, combined: 1, guestPhysical: 2,
  /** Of no line: a context in which nothing is cached. */
  none: 3,
} as const;
export const mappingNames = ['linear', 'combined', 'guest-physical'] as const;

export interface LineSettings {
  /** A multiple of `ways`. */
  readonly entries: number;
  readonly ways: number;
}

/** The clock starts anew here: before it is no int32 any more. */
export const CLOCK_LIMIT = 0x7fff_ffff;

/** Ways for which a set is looked through without a loop. */
export const USUAL_WAYS = 4;

const HINTS = 1024;
const SHIFTS = 64;

/**
 * A set-associative cache of tagged lines with exact LRU: what TLBs and paging-structure caches have in common. A line
 * is named by its number. Nothing here allocates. All is in registry blocks, save what is derived from them.
 */
export class CachedLines {
  // Declared, so that the constructor's is the first value they have, and the compiler knows of what kind they always are.
  declare readonly lines: number;
  /** The lines, and after the last one the clock of their use. */
  declare readonly words: Int32Array;
  /** Index in `words` of the clock. */
  declare readonly clockAt: number;
  private declare readonly contexts: ContextNumbers;
  /** A size that no line has is not looked for, and a mapping that no line is of is not invalidated. */
  declare readonly population: LinePopulation;
  private declare readonly sets: number;
  declare readonly ways: number;
  /** `sets - 1` when a mask can stand for the division, which costs more than the rest of a look-up; else -1. */
  declare readonly setMask: number;
  /** Index of each shift among `shifts`. */
  protected readonly sizeOf = new Int8Array(SHIFTS);
  /** The least shift. */
  private declare readonly smallest: number;
  /** Number of the context in force, and what lines of it have in word 0 besides page, size and flags. */
  private context = 0;
  valid = VALID;
  contextWord = 0;
  /**
   * The line that an address was last found in, by the low bits of its page's number: where to look first. It is looked at
   * as every other line is, so a wrong one costs a look and no more, and nobody need keep it right.
   */
  private declare readonly hints: Int32Array;
  private declare readonly hintMask: number;
  /** Of an address's low half: its page, where pages are of the least size. */
  private declare readonly base: number;

  /** `shifts`: log2 of what a line may cover, ascending, four at most. `recent`: what forgets the pages of lines that are gone. */
  constructor(
    registry: StateClaims, name: string, { entries, ways }: LineSettings, private readonly shifts: readonly number[],
    private readonly recent?: RecentHits,
  ) {
    if (ways < 1 || entries < 1 || entries % ways !== 0) throw new Error(`invariant: ${name} of ${entries} entries cannot have ${ways} ways`);
    this.ways = ways;
    this.sets = entries / ways;
    this.lines = entries;
    this.smallest = shifts[0]!;
    this.setMask = (this.sets & (this.sets - 1)) === 0 ? this.sets - 1 : -1;
    this.clockAt = entries << LINE_SHIFT;
    this.words = registry.block(name, this.clockAt + 1);
    this.population = new LinePopulation(registry, `${name}.population`, shifts.length);
    this.contexts = new ContextNumbers(registry, `${name}.contexts`, entries);
    // A low half tells no pages apart that are of 4 GBytes and more: those are looked for without hints.
    this.hints = new Int32Array(this.smallest < 32 ? HINTS : 0);
    this.hintMask = this.smallest < 32 ? HINTS - 1 : 0;
    this.base = this.smallest < 32 ? -(1 << this.smallest) : 0;
    shifts.forEach((shift, size) => { this.sizeOf[shift] = size; });
  }

  /**
   * Says under which tags to look up and fill, derived from CR3, CR4.PCIDE and the VMCS or VMCB. `mapping`: a `MAPPING`;
   * the root: EPTP bits 51:12, or 0.
   */
  useContext(vpid: number, pcid: number, mapping: number, rootLo: number, rootHi: number): void {
    this.recent?.renew();
    this.population.derive();
    this.context = this.contexts.numberOf(vpid, pcid, mapping, rootLo, rootHi, this.usedContexts);
    this.contextWord = this.context << CONTEXT_AT;
    this.valid = VALID | (mapping << MAPPING_AT);
  }

  /**
   * Line that covers an address in the current context, or -1. Leaves no trace but the hint. A line of the least size that
   * is not global is the only one that is found first: a search by the hint and one through the sets end at the same line.
   */
  peek(lo: number, hi: number): number {
    const line = this.hinted(lo, hi);
    return line >= 0 ? line : this.search(lo, hi);
  }

  /** The line that `peek` finds, if the hint leads to it; else -1, and it is to be searched for. */
  hinted(lo: number, hi: number): number {
    if (this.hintMask === 0) return -1;
    const { words } = this;
    const line = this.hints[(lo >>> this.smallest) & this.hintMask]!;
    const at = line << LINE_SHIFT;
    const isIt = (words[at]! & HINTED) === (lo & this.base | this.valid) && words[at | PAGE_HI] === hi
      && words[at | RIGHTS]! >>> CONTEXT_AT === this.context && this.population.globals === 0;
    return isIt ? line : -1;
  }

  /** As `peek`, past the hints. */
  search(lo: number, hi: number): number {
    const line = this.searchSize(0, this.smallest, lo, hi);
    if (line >= 0) {
      this.hint(lo, line);
      return line;
    }
    return this.population.larger === 0 ? -1 : this.searchLarger(lo, hi);
  }

  /** Has an address, in a page of the least size, looked for in a line first. */
  protected hint(lo: number, line: number): void {
    this.hints[(lo >>> this.smallest) & this.hintMask] = line;
  }

  private searchLarger(lo: number, hi: number): number {
    const { population, shifts } = this;
    for (let size = 1; size < shifts.length; size++) {
      if (population.ofSize(size) === 0) continue;
      const line = this.searchSize(size, shifts[size]!, lo, hi);
      if (line >= 0) return line;
    }
    return -1;
  }

  /** Line of one size that covers an address in the current context, or -1. */
  private searchSize(size: number, shift: number, lo: number, hi: number): number {
    const wanted = (shift < 32 ? lo & -(1 << shift) : 0) | this.valid | (size << SIZE_AT);
    const set = this.setOf(lo, hi, shift);
    // Mostly no line of the set is of the page: told without a loop where there are as many ways as TLBs mostly have.
    if (this.ways === USUAL_WAYS) {
      const { words } = this;
      const at = set << LINE_SHIFT + 2;
      if ((words[at]! & SAME) !== wanted && (words[at | 1 << LINE_SHIFT]! & SAME) !== wanted
        && (words[at | 2 << LINE_SHIFT]! & SAME) !== wanted && (words[at | 3 << LINE_SHIFT]! & SAME) !== wanted) return -1;
    }
    return this.searchSet(set * this.ways, wanted, shift < 32 ? hi : hi & -(1 << (shift - 32)));
  }

  /** The line of a set, from its first one on, that is as wanted in word 0 and of the current context; or -1. */
  private searchSet(first: number, wanted: number, pageHi: number): number {
    const { words, context, contexts } = this;
    const end = first + this.ways;
    for (let line = first; line < end; line++) {
      const at = line << LINE_SHIFT;
      const page = words[at]!;
      if ((page & SAME) !== wanted || words[at | PAGE_HI] !== pageHi) continue;
      const of = words[at | RIGHTS]! >>> CONTEXT_AT;
      if (of === context || (page & GLOBAL) !== 0 && contexts.shareGlobals(of, context)) return line;
    }
    return -1;
  }

  /**
   * Takes a line for what covers an address in the current context: an invalid line of its set, else the least recently
   * used one, which is dropped. Comes back with the index in `words` of the line, most recently used from here on; where
   * it leads to is the caller's to write. `whole`: shift of the page that the line is of. `flags`: GLOBAL, DIRTY.
   */
  protected place(lo: number, hi: number, shift: number, whole: number, flags: number, rights: number): number {
    const { words } = this;
    const size = this.sizeOf[shift]!;
    const page = shift < 32 ? lo & -(1 << shift) : 0;
    const pageHi = shift < 32 ? hi : hi & -(1 << (shift - 32));
    const isFragment = whole > shift ? FRAGMENT : 0;
    const made = page | this.valid | flags | isFragment | (size << SIZE_AT) | (this.sizeOf[whole]! << WHOLE_AT);
    return this.placeIn(words, this.setOf(lo, hi, shift), made, pageHi, rights);
  }

  /** As `place`, for a page of the smallest size that is no fragment; `made`: its address and flags. */
  protected placeSmallest(made: number, lo: number, hi: number, rights: number): number {
    return this.placeIn(this.words, this.setOf(lo, hi, PAGE_SHIFT), made | this.valid, hi, rights);
  }

  private placeIn(words: Int32Array, set: number, made: number, pageHi: number, rights: number): number {
    const at = this.victim(words, set) << LINE_SHIFT;
    const was = words[at]!;
    // A line in place of one like it, which is what most are: there are as many as before.
    if (((was ^ made) & COUNTED) !== 0) this.replaceOther(was, made);
    else if (this.recent !== undefined) {
      if ((was & SIZE_MASK << SIZE_AT) === 0) this.recent.words[recentHitAt(was)] = 0;
      else this.recent.renew();
    }
    words[at] = made;
    words[at | PAGE_HI] = pageHi;
    words[at | RIGHTS] = this.contextWord | rights;
    this.use(words, at);
    return at;
  }

  private replaceOther(was: number, made: number): void {
    this.population.replace(was, made);
    this.recent?.renew();
  }

  /** An invalid line of a set, else the least recently used one. Without branches, which here no processor could foresee. */
  private victim(words: Int32Array, set: number): number {
    if (this.ways === USUAL_WAYS) return olderOfFour(words, set << LINE_SHIFT + 2) >> LINE_SHIFT;
    const first = set * this.ways;
    let oldest = first;
    let used = words[first << LINE_SHIFT | USED]!;
    for (let line = first + 1; line < first + this.ways; line++) {
      const earlier = (words[line << LINE_SHIFT | USED]! - used) >> 31;
      used += earlier & (words[line << LINE_SHIFT | USED]! - used);
      oldest += earlier & (line - oldest);
    }
    return oldest;
  }

  /** Drops the lines that a filter selects. Costs one look when no line is of its mapping. */
  dropSelected(filter: LineFilter): void {
    const { population, shifts, ways } = this;
    if (population.ofMapping(filter.mapping) === 0) return;
    // Fragments of the address's page may be in any set; whole pages are in one set a size.
    if (filter.onePage === 0 || population.fragments !== 0) return this.dropAmong(0, this.lines, filter);
    for (let size = 0; size < shifts.length; size++) {
      if (population.ofSize(size) === 0) continue;
      const first = this.setOf(filter.lo, filter.hi, shifts[size]!) * ways;
      this.dropAmong(first, first + ways, filter);
    }
  }

  isValid(line: number): boolean { return (this.words[line << LINE_SHIFT]! & VALID) !== 0; }
  isGlobal(line: number): boolean { return (this.words[line << LINE_SHIFT]! & GLOBAL) !== 0; }
  isDirty(line: number): boolean { return (this.words[line << LINE_SHIFT]! & DIRTY) !== 0; }
  /** A `MAPPING`. */
  mappingOf(line: number): number { return (this.words[line << LINE_SHIFT]! & MAPPING_MASK) >>> MAPPING_AT; }
  /** log2 of what the line covers. */
  shift(line: number): number { return this.shifts[(this.words[line << LINE_SHIFT]! >>> SIZE_AT) & SIZE_MASK]!; }
  /** log2 of the page that the line is of: more than `shift` in a fragment. */
  wholeShift(line: number): number { return this.shifts[(this.words[line << LINE_SHIFT]! >>> WHOLE_AT) & SIZE_MASK]!; }
  /** Rights that the address's own tables gave. */
  rights(line: number): number { return this.words[line << LINE_SHIFT | RIGHTS]! & RIGHTS_MASK; }
  eptRights(line: number): number { return (this.words[line << LINE_SHIFT | RIGHTS]! >>> EPT_RIGHTS_AT) & RIGHTS_MASK; }
  /** Protection key. */
  key(line: number): number { return (this.words[line << LINE_SHIFT | RIGHTS]! >>> KEY_AT) & RIGHTS_MASK; }
  /** `lineRights` of all of them. */
  allRights(line: number): number { return this.words[line << LINE_SHIFT | RIGHTS]! & NOT_CONTEXT; }
  vpidOf(line: number): number { return this.contexts.tags(this.contextOf(line)) & VPID_MASK; }
  pcidOf(line: number): number { return this.contexts.tags(this.contextOf(line)) >>> PCID_AT; }
  pageLo(line: number): number { return this.words[line << LINE_SHIFT]! & PAGE_BASE; }
  pageHi(line: number): number { return this.words[line << LINE_SHIFT | PAGE_HI]!; }
  rootLoOf(line: number): number { return this.contexts.rootLo(this.contextOf(line)); }
  rootHiOf(line: number): number { return this.contexts.rootHi(this.contextOf(line)); }
  /** TLB: the host-physical page; paging-structure cache: the next table. */
  hpaLo(line: number): number { return this.words[line << LINE_SHIFT | HPA]!; }
  hpaHi(line: number): number { return this.words[line << LINE_SHIFT | HPA + 1]!; }
  /** The same as the address's own tables have it. */
  targetLo(line: number): number { return this.words[line << LINE_SHIFT | (this.mappingOf(line) === MAPPING.linear ? HPA : TARGET)]!; }
  targetHi(line: number): number { return this.words[line << LINE_SHIFT | (this.mappingOf(line) === MAPPING.linear ? HPA : TARGET) + 1]!; }

  /** Writes where the line at an index of `words` leads to. */
  protected leadTo(at: number, hpaLo: number, hpaHi: number, targetLo: number, targetHi: number): void {
    const { words } = this;
    words[at | HPA] = hpaLo;
    words[at | HPA + 1] = hpaHi;
    if (this.valid === VALID) return;
    words[at | TARGET] = targetLo;
    words[at | TARGET + 1] = targetHi;
  }

  protected lineAt(at: number): number {
    return at >>> LINE_SHIFT;
  }

  /** Gives a line the context of another one's in another cache: a global line keeps the PCID that it was made under. */
  protected takeContext(line: number, from: CachedLines, source: number): void {
    const { contexts } = from;
    const of = from.contextOf(source);
    if (!from.isGlobal(source)) return;
    const tags = contexts.tags(of);
    const number = this.contexts.numberOf(
      tags & VPID_MASK, tags >>> PCID_AT, contexts.mapping(of), contexts.rootLo(of), contexts.rootHi(of),
      () => this.usedContexts().fill(1, this.context, this.context + 1));
    const at = line << LINE_SHIFT | RIGHTS;
    this.words[at] = this.words[at]! & NOT_CONTEXT | (number << CONTEXT_AT);
  }

  /** How many lines of its set were used since this one. */
  age(line: number): number {
    const { words, ways } = this;
    const first = line - (line % ways);
    const used = words[line << LINE_SHIFT | USED]!;
    let younger = 0;
    for (let other = first; other < first + ways; other++) if (words[other << LINE_SHIFT | USED]! > used) younger++;
    return younger;
  }

  /** Makes a line the most recently used of its set. */
  touch(line: number): void {
    this.use(this.words, line << LINE_SHIFT);
  }

  /** Index in `words` of the time at which a line was last used. */
  usedAt(line: number): number {
    return line << LINE_SHIFT | USED;
  }

  private use(words: Int32Array, at: number): void {
    const now = words[this.clockAt]! + 1;
    words[this.clockAt] = now;
    words[at | USED] = now;
    if (now === CLOCK_LIMIT) this.restartClock();
  }

  /** Gives every line a time that is small and in the same order. */
  private restartClock(): void {
    const { words, clockAt, lines } = this;
    const byUse = Array.from({ length: lines }, (_, line) => line).sort((a, b) => words[this.usedAt(a)]! - words[this.usedAt(b)]!);
    byUse.forEach((line, rank) => { if (this.isValid(line)) words[this.usedAt(line)] = rank + 1; });
    words[clockAt] = lines;
  }

  protected drop(line: number): void {
    const { words } = this;
    const was = words[line << LINE_SHIFT]!;
    if ((was & VALID) === 0) return;
    this.replaceOther(was, 0);
    words[line << LINE_SHIFT] = 0;
    words[line << LINE_SHIFT | USED] = 0;
  }

  private dropAmong(first: number, end: number, filter: LineFilter): void {
    for (let line = first; line < end; line++) if (this.isSelected(line, filter)) this.drop(line);
  }

  private isSelected(line: number, filter: LineFilter): boolean {
    const page = this.words[line << LINE_SHIFT]!;
    if ((page & (VALID | MAPPING_MASK)) !== (VALID | (filter.mapping << MAPPING_AT))) return false;
    const isGlobal = (page & GLOBAL) !== 0;
    if (isGlobal && filter.keepsGlobals !== 0) return false;
    const tags = this.contexts.tags(this.contextOf(line));
    const asked = isGlobal ? filter.tagMask & VPID_MASK : filter.tagMask;
    if (((tags ^ filter.tags) & asked) !== 0) return false;
    if (filter.keepsVpid0 !== 0 && (tags & VPID_MASK) === 0) return false;
    if (filter.oneRoot !== 0 && (this.rootLoOf(line) !== filter.rootLo || this.rootHiOf(line) !== filter.rootHi)) return false;
    return filter.onePage === 0 || this.covers(line, filter.lo, filter.hi);
  }

  /** Does a line, or the page that it is a fragment of, cover the address? */
  private covers(line: number, lo: number, hi: number): boolean {
    const whole = this.wholeShift(line);
    const maskLo = whole < 32 ? -(1 << whole) : 0;
    const maskHi = whole < 32 ? -1 : -(1 << (whole - 32));
    return ((lo ^ this.pageLo(line)) & maskLo) === 0 && ((hi ^ this.pageHi(line)) & maskHi) === 0;
  }

  private contextOf(line: number): number {
    return this.words[line << LINE_SHIFT | RIGHTS]! >>> CONTEXT_AT;
  }

  /** By number: 1 for each context that a valid line is of. */
  private readonly usedContexts = (): Uint8Array => {
    const used = new Uint8Array(this.lines + 1);
    for (let line = 0; line < this.lines; line++) if (this.isValid(line)) used[this.contextOf(line)] = 1;
    return used;
  };

  protected setOf(lo: number, hi: number, shift: number): number {
    // An int32 whichever half it comes of, or the compiler takes it for a double.
    const page = (shift < 32 ? (lo >>> shift) | (hi << (32 - shift)) : hi >>> (shift - 32)) | 0;
    return this.setMask >= 0 ? page & this.setMask : (page >>> 0) % this.sets;
  }
}

/** As `victim`, of a set of four whose first line is at an index of `words`, which it comes back with: the older of each two, then of both. */
export function olderOfFour(words: Int32Array, first: number): number {
  const at = first | USED;
  const left = words[at]!;
  const lessLeft = words[at | 1 << LINE_SHIFT]! - left | 0;
  const right = words[at | 2 << LINE_SHIFT]!;
  const lessRight = words[at | 3 << LINE_SHIFT]! - right | 0;
  const isRight = (right + (lessRight & lessRight >> 31) - left - (lessLeft & lessLeft >> 31)) >> 31;
  const ofLeft = lessLeft >>> 31;
  return first | (ofLeft ^ isRight & (2 + (lessRight >>> 31) ^ ofLeft)) << LINE_SHIFT;
}
