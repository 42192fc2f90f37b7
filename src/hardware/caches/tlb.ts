import type { Registry } from '../state/registry';
import type { WalkResult } from '../paging/walkResult';

export interface TlbSettings {
  /** A multiple of `ways`. */
  readonly entries: number;
  readonly ways: number;
}

/*
 * Words of a line. Rights of the guest's tables and of EPT stand apart, so that a refusal knows its dimension.
 *
 *   0  bit 0 valid, 1 global, 2 dirty, 3 behind EPT; 15:8 page shift; 18:16 rights; 23:20 EPT rights; 27:24 key
 *   1  15:0 VPID, 31:16 PCID
 *   2  linear address of the page (pair), 4 guest-physical (pair), 6 host-physical (pair), 8 EPT root (pair)
 *  10  age within the set: 0 is the most recently used
 *  11  page shift of the linear address's own tables: behind EPT a line may be a fragment of that page
 */
const LINE_WORDS = 12;
const FLAGS = 0;
const TAGS = 1;
const PAGE = 2;
const GPA = 4;
const HPA = 6;
const EPT_ROOT = 8;
const AGE = 10;
const WHOLE_SHIFT = 11;
const VALID = 1;
const GLOBAL = 2;
const DIRTY = 4;
const BEHIND_EPT = 8;
const SHIFT_AT = 8;
const RIGHTS_AT = 16;
const EPT_RIGHTS_AT = 20;
const KEY_AT = 24;
const PCID_AT = 16;
/** Page sizes that may be cached: 4 KBytes, 2 MBytes, 4 MBytes, 1 GByte. */
const SHIFTS = [12, 21, 22, 30] as const;

/**
 * A set-associative translation lookaside buffer with exact LRU. It caches linear mappings and, behind EPT,
 * combined mappings, tagged as SDM Vol. 3, "Caching Translation Information" has it: VPID, PCID (unless global) and
 * EPT root. A line is named by its number. Nothing here allocates.
 */
export class Tlb {
  private readonly words: Int32Array;
  /** Valid lines of each page size: a size that no line has is not looked for. */
  private readonly population: Int32Array;
  private readonly sets: number;
  private readonly ways: number;
  /** `sets - 1` when a mask can stand for the division, which costs more than the rest of a look-up; else -1. */
  private readonly setMask: number;
  private tags = 0;
  private vpid = 0;
  private eptOn = 0;
  private eptLo = 0;
  private eptHi = 0;

  constructor(registry: Registry, name: string, settings: TlbSettings) {
    const { entries, ways } = settings;
    if (ways < 1 || entries % ways !== 0) throw new Error(`invariant: a TLB of ${entries} entries cannot have ${ways} ways`);
    this.ways = ways;
    this.sets = entries / ways;
    this.setMask = (this.sets & (this.sets - 1)) === 0 ? this.sets - 1 : -1;
    this.words = registry.block(name, entries * LINE_WORDS);
    this.population = registry.block(`${name}.population`, SHIFTS.length);
    for (let line = 0; line < entries; line++) this.words[line * LINE_WORDS + AGE] = line % ways;
  }

  get lines(): number {
    return this.sets * this.ways;
  }

  /** Says under which tags to look up and fill: derived from CR3, CR4.PCIDE and the VMCS. */
  useContext(vpid: number, pcid: number): void {
    this.vpid = vpid;
    this.tags = vpid | (pcid << PCID_AT);
  }

  /** Combined mappings of this EPT root (EPTP bits 51:12) from here on. */
  useEptRoot(lo: number, hi: number): void {
    this.eptOn = BEHIND_EPT;
    this.eptLo = lo;
    this.eptHi = hi;
  }

  /** Linear mappings from here on. */
  useNoEpt(): void {
    this.eptOn = 0;
    this.eptLo = 0;
    this.eptHi = 0;
  }

  /** Line that maps a linear address in the current context, or -1; makes it the most recently used of its set. */
  lookup(lo: number, hi: number): number {
    const line = this.peek(lo, hi);
    if (line >= 0) this.touch(line);
    return line;
  }

  /** As `lookup`, and leaves no trace. */
  peek(lo: number, hi: number): number {
    const { words, population, ways } = this;
    for (let size = 0; size < SHIFTS.length; size++) {
      if (population[size] === 0) continue;
      const shift = SHIFTS[size]!;
      const pageLo = lo & -(1 << shift);
      const first = this.setOf(lo, hi, shift) * ways;
      for (let line = first, at = first * LINE_WORDS; line < first + ways; line++, at += LINE_WORDS) {
        if (words[at + PAGE] !== pageLo || words[at + PAGE + 1] !== hi) continue;
        if (((words[at]! >>> SHIFT_AT) & 0xff) === shift && this.isCurrent(at)) return line;
      }
    }
    return -1;
  }

  /**
   * Caches what a walk found for the page around a linear address, in place of any line that maps it already, else of
   * an invalid line, else of the least recently used one. Comes back with the line.
   */
  fill(lo: number, hi: number, found: WalkResult): number {
    for (let known = this.peek(lo, hi); known >= 0; known = this.peek(lo, hi)) this.drop(known);
    const shift = cachedShift(found.effectiveShift);
    const line = this.victim(this.setOf(lo, hi, shift) * this.ways);
    this.drop(line);
    const offset = (1 << shift) - 1;
    const at = line * LINE_WORDS;
    const { words } = this;
    words[at + FLAGS] = VALID | (found.global === 0 ? 0 : GLOBAL) | (found.dirty === 0 ? 0 : DIRTY) | this.eptOn
      | (shift << SHIFT_AT) | (found.rights << RIGHTS_AT) | (found.nestedRights << EPT_RIGHTS_AT) | (found.key << KEY_AT);
    words[at + TAGS] = this.tags;
    words[at + PAGE] = lo & ~offset;
    words[at + PAGE + 1] = hi;
    words[at + GPA] = found.gpaLo & ~offset;
    words[at + GPA + 1] = found.gpaHi;
    words[at + HPA] = found.hpaLo & ~offset;
    words[at + HPA + 1] = found.hpaHi;
    words[at + EPT_ROOT] = this.eptLo;
    words[at + EPT_ROOT + 1] = this.eptHi;
    words[at + WHOLE_SHIFT] = found.pageShift;
    this.population[sizeOf(shift)]!++;
    this.touch(line);
    return line;
  }

  isValid(line: number): boolean { return (this.words[line * LINE_WORDS]! & VALID) !== 0; }
  isGlobal(line: number): boolean { return (this.words[line * LINE_WORDS]! & GLOBAL) !== 0; }
  isDirty(line: number): boolean { return (this.words[line * LINE_WORDS]! & DIRTY) !== 0; }
  /** log2 of the page size. */
  shift(line: number): number { return (this.words[line * LINE_WORDS]! >>> SHIFT_AT) & 0xff; }
  /** Rights that the linear address's own tables gave. */
  rights(line: number): number { return (this.words[line * LINE_WORDS]! >>> RIGHTS_AT) & 7; }
  eptRights(line: number): number { return (this.words[line * LINE_WORDS]! >>> EPT_RIGHTS_AT) & 15; }
  key(line: number): number { return (this.words[line * LINE_WORDS]! >>> KEY_AT) & 15; }
  vpidOf(line: number): number { return this.words[line * LINE_WORDS + TAGS]! & 0xffff; }
  pcidOf(line: number): number { return this.words[line * LINE_WORDS + TAGS]! >>> PCID_AT; }
  pageLo(line: number): number { return this.words[line * LINE_WORDS + PAGE]!; }
  pageHi(line: number): number { return this.words[line * LINE_WORDS + PAGE + 1]!; }
  gpaLo(line: number): number { return this.words[line * LINE_WORDS + GPA]!; }
  gpaHi(line: number): number { return this.words[line * LINE_WORDS + GPA + 1]!; }
  hpaLo(line: number): number { return this.words[line * LINE_WORDS + HPA]!; }
  hpaHi(line: number): number { return this.words[line * LINE_WORDS + HPA + 1]!; }

  /**
   * INVLPG: the page of one linear address, current VPID, current PCID and globals, under every EPT root. Of a page of
   * which several lines map fragments, all go: SDM Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches".
   */
  invalidatePage(lo: number, hi: number): void {
    const pcid = this.tags >>> PCID_AT;
    for (let line = 0; line < this.lines; line++) {
      if (!this.mapsPage(line, lo, hi) || this.vpidOf(line) !== this.vpid) continue;
      if (this.isGlobal(line) || this.pcidOf(line) === pcid) this.drop(line);
    }
  }

  /** MOV to CR3: everything of a PCID but globals, current VPID. */
  invalidatePcid(pcid: number): void {
    for (let line = 0; line < this.lines; line++) {
      if (this.vpidOf(line) === this.vpid && this.pcidOf(line) === pcid && !this.isGlobal(line)) this.drop(line);
    }
  }

  /** INVVPID, single context, and the MOVs to CR0 and CR4 that flush all: every line of a VPID, globals too. */
  invalidateVpid(vpid: number): void {
    for (let line = 0; line < this.lines; line++) if (this.vpidOf(line) === vpid) this.drop(line);
  }

  /** As `invalidateVpid`, but globals stay. */
  invalidateVpidNonGlobal(vpid: number): void {
    for (let line = 0; line < this.lines; line++) if (this.vpidOf(line) === vpid && !this.isGlobal(line)) this.drop(line);
  }

  /** Every line, whatever its tags. */
  invalidateEverything(): void {
    for (let line = 0; line < this.lines; line++) this.drop(line);
  }

  /** INVVPID, individual address: the page of one linear address of a VPID, whatever its PCID. */
  invalidateVpidAddress(vpid: number, lo: number, hi: number): void {
    for (let line = 0; line < this.lines; line++) {
      if (this.vpidOf(line) === vpid && this.mapsPage(line, lo, hi)) this.drop(line);
    }
  }

  /** INVEPT, single context: combined mappings of one EPT root; linear mappings stay. */
  invalidateEptRoot(lo: number, hi: number): void {
    for (let line = 0; line < this.lines; line++) {
      const at = line * LINE_WORDS;
      if ((this.words[at]! & BEHIND_EPT) === 0) continue;
      if (this.words[at + EPT_ROOT] === lo && this.words[at + EPT_ROOT + 1] === hi) this.drop(line);
    }
  }

  /** Does a line map the address, or another part of the page that the address's own tables map it with? */
  private mapsPage(line: number, lo: number, hi: number): boolean {
    if (!this.isValid(line)) return false;
    const whole = -(1 << this.words[line * LINE_WORDS + WHOLE_SHIFT]!);
    return (lo & whole) === (this.pageLo(line) & whole) && hi === this.pageHi(line);
  }

  private isCurrent(at: number): boolean {
    const { words } = this;
    const flags = words[at]!;
    if ((flags & VALID) === 0 || (flags & BEHIND_EPT) !== this.eptOn) return false;
    if (words[at + EPT_ROOT] !== this.eptLo || words[at + EPT_ROOT + 1] !== this.eptHi) return false;
    const tags = words[at + TAGS]!;
    return tags === this.tags || (flags & GLOBAL) !== 0 && (tags & 0xffff) === this.vpid;
  }

  private setOf(lo: number, hi: number, shift: number): number {
    const page = (lo >>> shift) | (hi << (32 - shift));
    return this.setMask >= 0 ? page & this.setMask : (page >>> 0) % this.sets;
  }

  private victim(first: number): number {
    let oldest = first;
    for (let line = first; line < first + this.ways; line++) {
      if (!this.isValid(line)) return line;
      if (this.words[line * LINE_WORDS + AGE]! > this.words[oldest * LINE_WORDS + AGE]!) oldest = line;
    }
    return oldest;
  }

  private touch(line: number): void {
    const age = this.words[line * LINE_WORDS + AGE]!;
    if (age === 0) return;
    const first = line - (line % this.ways);
    for (let other = first; other < first + this.ways; other++) {
      const at = other * LINE_WORDS + AGE;
      if (this.words[at]! < age) this.words[at]!++;
    }
    this.words[line * LINE_WORDS + AGE] = 0;
  }

  private drop(line: number): void {
    if (!this.isValid(line)) return;
    this.population[sizeOf(this.shift(line))]!--;
    this.words[line * LINE_WORDS + FLAGS] = 0;
  }
}

/** The largest cached page size that a translation of this size covers. */
function cachedShift(shift: number): number {
  return shift >= 30 ? 30 : shift >= 22 ? 22 : shift >= 21 ? 21 : 12;
}

function sizeOf(shift: number): number {
  return shift === 12 ? 0 : shift === 21 ? 1 : shift === 22 ? 2 : 3;
}
