import { PCID_AT, PCID_MASK, VPID_MASK } from './contextNumbers';

/** Which lines an operation drops of one kind of mapping. */
export interface Selection {
  readonly vpid: 'current' | 'given' | '0' | 'any' | 'any but 0';
  readonly pcid: 'current' | 'given' | 'any';
  /** Global translations go whatever their PCID, or stay. Paging-structure caches have none. */
  readonly globals: 'also' | 'kept';
  readonly eptRoot: 'current' | 'given' | 'any';
  readonly translations: 'all' | 'of the address';
  readonly structures: 'all' | 'of the address';
}

/** What the words of a selection stand for. Addresses and roots are pairs of halves. */
export interface SelectionOperands {
  readonly vpid: number;
  readonly pcid: number;
  readonly rootLo: number;
  readonly rootHi: number;
}

/** A selection as numbers that a line is compared with; made anew for each use, in place. */
export class LineFilter {
  /** A `MAPPING`. */
  mapping = 0;
  tags = 0;
  tagMask = 0;
  keepsVpid0 = 0;
  keepsGlobals = 0;
  oneRoot = 0;
  rootLo = 0;
  rootHi = 0;
  onePage = 0;
  lo = 0;
  hi = 0;

  /** All but the pages: `current` is the context in force, `given` what the operation names. */
  select(mapping: number, selection: Selection, current: SelectionOperands, given: SelectionOperands): void {
    const { vpid, pcid, eptRoot } = selection;
    const tagsVpid = vpid === 'current' ? current.vpid : vpid === 'given' ? given.vpid : 0;
    const tagsPcid = pcid === 'current' ? current.pcid : given.pcid;
    this.mapping = mapping;
    this.tags = tagsVpid | (tagsPcid << PCID_AT);
    this.tagMask = (vpid === 'any' || vpid === 'any but 0' ? 0 : VPID_MASK) | (pcid === 'any' ? 0 : PCID_MASK << PCID_AT);
    this.keepsVpid0 = vpid === 'any but 0' ? 1 : 0;
    this.keepsGlobals = selection.globals === 'kept' ? 1 : 0;
    this.oneRoot = eptRoot === 'any' ? 0 : 1;
    const root = eptRoot === 'current' ? current : given;
    this.rootLo = root.rootLo;
    this.rootHi = root.rootHi;
  }

  pages(which: 'all' | 'of the address', lo: number, hi: number): void {
    this.onePage = which === 'all' ? 0 : 1;
    this.lo = lo;
    this.hi = hi;
  }
}
