import type { LineFilter } from './lineFilter';
import type { Registry } from '../state/registry';

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

/*
 * Words of a line, of every cache. Rights of the guest's tables and of EPT stand apart, so that a refusal knows its
 * dimension.
 *
 *   0  bit 0 valid, 1 global, 2 dirty, 3 fragment of a larger page; 5:4 mapping; 13:8 shift of what the line covers;
 *      21:16 shift of the page that its own tables map there: above 13:8 in a fragment
 *   1  15:0 VPID, 27:16 PCID
 *   2  address that the line begins at (pair)   4  EPT root (pair)
 *   6  when it was last used, by the cache's own clock: the least in a set is the least recently used; 0: it is not valid
 *   7  7:0 rights, 15:8 EPT rights, 19:16 protection key
 *   8  TLB: guest-physical page (pair); paging-structure cache: the next table, as the entry has it (pair)
 *  10  the same, host-physical (pair)
 */
export const LINE_WORDS = 12;
export const FLAGS = 0;
export const TAGS = 1;
export const PAGE = 2;
export const ROOT = 4;
const USED = 6;
export const RIGHTS = 7;
export const TARGET = 8;
export const HPA = 10;
export const VALID = 1;
export const GLOBAL = 2;
export const DIRTY = 4;
const FRAGMENT = 8;
export const MAPPING_AT = 4;
const MAPPING_MASK = 3 << MAPPING_AT;
export const SHIFT_AT = 8;
export const WHOLE_AT = 16;
export const SHIFT_MASK = 63;
export const EPT_RIGHTS_AT = 8;
export const KEY_AT = 16;
export const PCID_AT = 16;
export const VPID_MASK = 0xffff;
export const PCID_MASK = 0xfff;
/** What of word 0 must be as wanted, for a line to map an address. */
const SAME = VALID | MAPPING_MASK | (SHIFT_MASK << SHIFT_AT);
/** The same, for a line that a hint leads to. */
const HINTED = SAME | GLOBAL;
const PAGE_4K = -(1 << 12);
/** What of word 0 lines are counted by. */
const COUNTED = SAME | FRAGMENT | GLOBAL;

/** Words of the population block: valid lines by mapping, fragments and global ones among them, valid lines by size. */
const FRAGMENTS_AT = 3;
const GLOBALS_AT = 4;
const SIZES_AT = 5;
/** The clock starts anew here: before it is no int32 any more. */
export const CLOCK_LIMIT = 0x7fff_ffff;

/** Ways for which a set is looked through without a loop. */
const USUAL_WAYS = 4;

const HINTS = 1024;
const HINTED_SHIFT = 12;

/**
 * A set-associative cache of tagged lines with exact LRU: what TLBs and paging-structure caches have in common. A line
 * is named by its number. Nothing here allocates. All is in two registry blocks, save the context, which is derived.
 */
export class CachedLines {
  /** The lines, and after the last one the clock of their use. */
  readonly words: Int32Array;
  readonly lines: number;
  /** Changes whenever what an address finds may have changed: for what is remembered of look-ups. Derived. */
  version = 1;
  /** A size that no line has is not looked for, and a mapping that no line is of is not invalidated. */
  protected readonly population: Int32Array;
  /** Index in `words` of the clock. */
  readonly clockAt: number;
  private readonly sets: number;
  private readonly ways: number;
  /** `sets - 1` when a mask can stand for the division, which costs more than the rest of a look-up; else -1. */
  private readonly setMask: number;
  /** Index of each shift among `shifts`. */
  private readonly sizeOf = new Int8Array(SHIFT_MASK + 1);
  /** The least shift, and how many lines are of a greater one: derived from the population. */
  private readonly smallest: number;
  private larger = 0;
  private tags = 0;
  private mapping = 0;
  private rootLo = 0;
  private rootHi = 0;
  /**
   * The line that an address was last found in, by the low bits of its 4-KByte page's number: where to look first. It
   * is looked at as every other line is, so a wrong one costs a look and no more, and nobody need keep it right.
   */
  private readonly hints: Int32Array;
  private readonly hintMask: number;

  /** `shifts`: log2 of what a line may cover, ascending. */
  constructor(registry: Registry, name: string, { entries, ways }: LineSettings, private readonly shifts: readonly number[]) {
    if (ways < 1 || entries < 1 || entries % ways !== 0) throw new Error(`invariant: ${name} of ${entries} entries cannot have ${ways} ways`);
    this.ways = ways;
    this.sets = entries / ways;
    this.lines = entries;
    this.smallest = shifts[0]!;
    this.setMask = (this.sets & (this.sets - 1)) === 0 ? this.sets - 1 : -1;
    this.words = registry.block(name, entries * LINE_WORDS + 1);
    this.clockAt = entries * LINE_WORDS;
    this.population = registry.block(`${name}.population`, SIZES_AT + shifts.length);
    this.hints = new Int32Array(shifts[0] === HINTED_SHIFT ? HINTS : 1);
    this.hintMask = this.hints.length - 1;
    shifts.forEach((shift, size) => { this.sizeOf[shift] = size; });
  }

  /**
   * Says under which tags to look up and fill, derived from CR3, CR4.PCIDE and the VMCS or VMCB. `mapping`: a `MAPPING`;
   * the root: EPTP bits 51:12, or 0.
   */
  useContext(vpid: number, pcid: number, mapping: number, rootLo: number, rootHi: number): void {
    this.renew();
    this.countLarger();
    this.tags = vpid | (pcid << PCID_AT);
    this.mapping = mapping << MAPPING_AT;
    this.rootLo = rootLo;
    this.rootHi = rootHi;
  }

  /**
   * Line that covers an address in the current context, or -1. Leaves no trace but the hint. A line of 4 KBytes that is not
   * global is the only one that is found first: a search by the hint and one through the sets end at the same line.
   */
  peek(lo: number, hi: number): number {
    const line = this.hinted(lo, hi);
    return line >= 0 ? line : this.search(lo, hi);
  }

  /** The line that `peek` finds, if the hint leads to it; else -1, and it is to be searched for. */
  hinted(lo: number, hi: number): number {
    const { words } = this;
    const line = this.hints[(lo >>> HINTED_SHIFT) & this.hintMask]!;
    const at = line * LINE_WORDS;
    const isIt = words[at + PAGE] === (lo & PAGE_4K) && words[at + PAGE + 1] === hi && words[at + TAGS] === this.tags
      && (words[at]! & HINTED) === (VALID | this.mapping | HINTED_SHIFT << SHIFT_AT)
      && words[at + ROOT] === this.rootLo && words[at + ROOT + 1] === this.rootHi && this.population[GLOBALS_AT] === 0;
    return isIt ? line : -1;
  }

  protected search(lo: number, hi: number): number {
    const line = this.searchSize(this.smallest, lo, hi);
    if (line >= 0) {
      this.hints[(lo >>> HINTED_SHIFT) & this.hintMask] = line;
      return line;
    }
    return this.larger === 0 ? -1 : this.searchLarger(lo, hi);
  }

  private searchLarger(lo: number, hi: number): number {
    const { population, shifts } = this;
    for (let size = 1; size < shifts.length; size++) {
      if (population[SIZES_AT + size] === 0) continue;
      const line = this.searchSize(shifts[size]!, lo, hi);
      if (line >= 0) return line;
    }
    return -1;
  }

  /** Line of one size that covers an address in the current context, or -1. */
  private searchSize(shift: number, lo: number, hi: number): number {
    const { words, ways, mapping, tags, rootLo, rootHi } = this;
    const pageLo = shift < 32 ? lo & -(1 << shift) : 0;
    const first = this.setOf(lo, hi, shift) * ways;
    const start = first * LINE_WORDS + PAGE;
    // Mostly no line of the set is of the page: told without a loop where there are as many ways as TLBs mostly have.
    if (ways === USUAL_WAYS && words[start] !== pageLo && words[start + LINE_WORDS] !== pageLo
      && words[start + 2 * LINE_WORDS] !== pageLo && words[start + 3 * LINE_WORDS] !== pageLo) return -1;
    const pageHi = shift < 32 ? hi : hi & -(1 << (shift - 32));
    const wanted = VALID | mapping | (shift << SHIFT_AT);
    const end = first + ways;
    for (let line = first, at = line * LINE_WORDS; line < end; line++, at += LINE_WORDS) {
      if (words[at + PAGE] !== pageLo || words[at + PAGE + 1] !== pageHi) continue;
      const flags = words[at]!;
      if ((flags & SAME) !== wanted || words[at + ROOT] !== rootLo || words[at + ROOT + 1] !== rootHi) continue;
      const differs = words[at + TAGS]! ^ tags;
      if (differs !== 0 && ((flags & GLOBAL) === 0 || (differs & VPID_MASK) !== 0)) continue;
      return line;
    }
    return -1;
  }

  /**
   * Takes a line for what covers an address in the current context: an invalid line of its set, else the least recently
   * used one, which is dropped. Comes back with the line, most recently used from here on; its rights and target are
   * the caller's to write. `whole`: shift of the page that the line is of. `flags`: GLOBAL, DIRTY.
   */
  protected place(lo: number, hi: number, shift: number, whole: number, flags: number): number {
    const { words, population } = this;
    const line = this.victim(this.setOf(lo, hi, shift) * this.ways);
    const at = line * LINE_WORDS;
    const fragment = whole > shift ? FRAGMENT : 0;
    const made = VALID | flags | fragment | this.mapping | (shift << SHIFT_AT) | (whole << WHOLE_AT);
    // A line in place of one like it, which is what most are: there are as many as before.
    if (((words[at]! ^ made) & COUNTED) !== 0) {
      this.drop(line);
      population[this.mapping >>> MAPPING_AT]!++;
      population[SIZES_AT + this.sizeOf[shift]!]!++;
      if (fragment !== 0) population[FRAGMENTS_AT]!++;
      if ((flags & GLOBAL) !== 0) population[GLOBALS_AT]!++;
      this.countLarger();
    }
    this.renew();
    words[at] = made;
    words[at + TAGS] = this.tags;
    words[at + PAGE] = shift < 32 ? lo & -(1 << shift) : 0;
    words[at + PAGE + 1] = shift < 32 ? hi : hi & -(1 << (shift - 32));
    words[at + ROOT] = this.rootLo;
    words[at + ROOT + 1] = this.rootHi;
    this.touch(line);
    return line;
  }

  /** Drops the lines that a filter selects. Costs one look when no line is of its mapping. */
  dropSelected(filter: LineFilter): void {
    const { population, shifts, ways } = this;
    if (population[filter.mapping] === 0) return;
    // Fragments of the address's page may be in any set; whole pages are in one set a size.
    if (filter.onePage === 0 || population[FRAGMENTS_AT] !== 0) return this.dropAmong(0, this.lines, filter);
    for (let size = 0; size < shifts.length; size++) {
      if (population[SIZES_AT + size] === 0) continue;
      const first = this.setOf(filter.lo, filter.hi, shifts[size]!) * ways;
      this.dropAmong(first, first + ways, filter);
    }
  }

  isValid(line: number): boolean { return (this.words[line * LINE_WORDS]! & VALID) !== 0; }
  isGlobal(line: number): boolean { return (this.words[line * LINE_WORDS]! & GLOBAL) !== 0; }
  isDirty(line: number): boolean { return (this.words[line * LINE_WORDS]! & DIRTY) !== 0; }
  /** A `MAPPING`. */
  mappingOf(line: number): number { return (this.words[line * LINE_WORDS]! & MAPPING_MASK) >>> MAPPING_AT; }
  /** log2 of what the line covers. */
  shift(line: number): number { return (this.words[line * LINE_WORDS]! >>> SHIFT_AT) & SHIFT_MASK; }
  /** log2 of the page that the line is of: more than `shift` in a fragment. */
  wholeShift(line: number): number { return (this.words[line * LINE_WORDS]! >>> WHOLE_AT) & SHIFT_MASK; }
  /** Rights that the address's own tables gave. */
  rights(line: number): number { return this.words[line * LINE_WORDS + RIGHTS]! & 0xff; }
  eptRights(line: number): number { return (this.words[line * LINE_WORDS + RIGHTS]! >>> EPT_RIGHTS_AT) & 0xff; }
  vpidOf(line: number): number { return this.words[line * LINE_WORDS + TAGS]! & VPID_MASK; }
  pcidOf(line: number): number { return this.words[line * LINE_WORDS + TAGS]! >>> PCID_AT; }
  pageLo(line: number): number { return this.words[line * LINE_WORDS + PAGE]!; }
  pageHi(line: number): number { return this.words[line * LINE_WORDS + PAGE + 1]!; }
  rootLoOf(line: number): number { return this.words[line * LINE_WORDS + ROOT]!; }
  rootHiOf(line: number): number { return this.words[line * LINE_WORDS + ROOT + 1]!; }
  /** How many lines of its set were used since this one. */
  age(line: number): number {
    const { words, ways } = this;
    const used = words[line * LINE_WORDS + USED]!;
    const first = line - (line % ways);
    let younger = 0;
    for (let other = first; other < first + ways; other++) if (words[other * LINE_WORDS + USED]! > used) younger++;
    return younger;
  }

  /** Makes a line the most recently used of its set. */
  touch(line: number): void {
    const { words, clockAt } = this;
    const now = words[clockAt]! + 1;
    words[clockAt] = now;
    words[line * LINE_WORDS + USED] = now;
    if (now === CLOCK_LIMIT) this.restartClock();
  }

  /** Index in `words` of the time at which a line was last used. */
  usedAt(line: number): number {
    return line * LINE_WORDS + USED;
  }

  private countLarger(): void {
    const { population } = this;
    this.larger = 0;
    for (let at = SIZES_AT + 1; at < population.length; at++) this.larger += population[at]!;
  }

  private renew(): void {
    this.version = this.version + 1 | 0;
  }

  /** Gives every line a time that is small and in the same order. */
  private restartClock(): void {
    const { words, clockAt, lines } = this;
    const byUse = Array.from({ length: lines }, (_, line) => line)
      .sort((a, b) => words[a * LINE_WORDS + USED]! - words[b * LINE_WORDS + USED]!);
    byUse.forEach((line, rank) => { if (this.isValid(line)) words[line * LINE_WORDS + USED] = rank + 1; });
    words[clockAt] = lines;
  }

  protected drop(line: number): void {
    const { words, population } = this;
    const flags = words[line * LINE_WORDS]!;
    if ((flags & VALID) === 0) return;
    this.renew();
    population[(flags & MAPPING_MASK) >>> MAPPING_AT]!--;
    population[SIZES_AT + this.sizeOf[(flags >>> SHIFT_AT) & SHIFT_MASK]!]!--;
    if ((flags & FRAGMENT) !== 0) population[FRAGMENTS_AT]!--;
    if ((flags & GLOBAL) !== 0) population[GLOBALS_AT]!--;
    this.countLarger();
    words[line * LINE_WORDS] = 0;
    words[line * LINE_WORDS + USED] = 0;
  }

  private dropAmong(first: number, end: number, filter: LineFilter): void {
    for (let line = first; line < end; line++) if (this.isSelected(line * LINE_WORDS, filter)) this.drop(line);
  }

  private isSelected(at: number, filter: LineFilter): boolean {
    const { words } = this;
    const flags = words[at]!;
    if ((flags & (VALID | MAPPING_MASK)) !== (VALID | (filter.mapping << MAPPING_AT))) return false;
    const isGlobal = (flags & GLOBAL) !== 0;
    if (isGlobal && filter.keepsGlobals !== 0) return false;
    const tags = words[at + TAGS]!;
    const asked = isGlobal ? filter.tagMask & VPID_MASK : filter.tagMask;
    if (((tags ^ filter.tags) & asked) !== 0) return false;
    if (filter.keepsVpid0 !== 0 && (tags & VPID_MASK) === 0) return false;
    if (filter.oneRoot !== 0 && (words[at + ROOT] !== filter.rootLo || words[at + ROOT + 1] !== filter.rootHi)) return false;
    return filter.onePage === 0 || covers(words, at, (flags >>> WHOLE_AT) & SHIFT_MASK, filter.lo, filter.hi);
  }

  private setOf(lo: number, hi: number, shift: number): number {
    const page = shift < 32 ? (lo >>> shift) | (hi << (32 - shift)) : hi >>> (shift - 32);
    return this.setMask >= 0 ? page & this.setMask : (page >>> 0) % this.sets;
  }

  /** An invalid line of a set, else the least recently used one. Without branches, which here no processor could foresee. */
  private victim(first: number): number {
    const { words, ways } = this;
    if (ways === USUAL_WAYS) return this.victimOfFour(first);
    let oldest = first;
    let used = words[first * LINE_WORDS + USED]!;
    for (let line = first + 1; line < first + ways; line++) {
      const earlier = (words[line * LINE_WORDS + USED]! - used) >> 31;
      used += earlier & (words[line * LINE_WORDS + USED]! - used);
      oldest += earlier & (line - oldest);
    }
    return oldest;
  }

  /** As `victim`: the older of each two, then the older of both. */
  private victimOfFour(first: number): number {
    const { words } = this;
    const at = first * LINE_WORDS + USED;
    const left = words[at]!;
    const lessLeft = words[at + LINE_WORDS]! - left;
    const right = words[at + 2 * LINE_WORDS]!;
    const lessRight = words[at + 3 * LINE_WORDS]! - right;
    const ofLeft = lessLeft >>> 31;
    const ofRight = 2 + (lessRight >>> 31);
    const isRight = (right + (lessRight & lessRight >> 31) - left - (lessLeft & lessLeft >> 31)) >> 31;
    return first + ofLeft + (isRight & (ofRight - ofLeft));
  }
}

/** Does a line, or the page that it is a fragment of, cover the address? */
function covers(words: Int32Array, at: number, whole: number, lo: number, hi: number): boolean {
  const maskLo = whole < 32 ? -(1 << whole) : 0;
  const maskHi = whole < 32 ? -1 : -(1 << (whole - 32));
  return ((lo ^ words[at + PAGE]!) & maskLo) === 0 && ((hi ^ words[at + PAGE + 1]!) & maskHi) === 0;
}
