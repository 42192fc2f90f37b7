import type { StateClaims } from '../state/registry';

export const VPID_MASK = 0xffff;
export const PCID_AT = 16;
export const PCID_MASK = 0xfff;

/*
 * Words of a context: 0 its mapping and 1, or 0: the number is free; 1 15:0 VPID, 27:16 PCID; 2 EPT root (pair).
 */
const CONTEXT_SHIFT = 2;
const TAGS = 1;
const ROOT = 2;

/**
 * The contexts that a cache's lines are of, each of which has a small number for the lines to be tagged with: VPID, PCID,
 * EPT root and what is mapped. There are never more in use than lines, and the one in force.
 */
export class ContextNumbers {
  private readonly words: Int32Array;
  private readonly limit: number;

  constructor(registry: StateClaims, name: string, lines: number) {
    this.limit = lines + 1;
    this.words = registry.block(name, this.limit << CONTEXT_SHIFT);
  }

  /** The number of a context, which is given one where it has none; `isUsed` says which numbers lines have. */
  numberOf(vpid: number, pcid: number, mapping: number, rootLo: number, rootHi: number, isUsed: () => Uint8Array): number {
    const { words, limit } = this;
    const tags = vpid | (pcid << PCID_AT);
    let number = 0;
    for (; number < limit; number++) {
      const at = number << CONTEXT_SHIFT;
      if (words[at] === 0) break;
      if (words[at] === mapping + 1 && words[at + TAGS] === tags && words[at + ROOT] === rootLo && words[at + ROOT + 1] === rootHi) return number;
    }
    if (number === limit) number = isUsed().indexOf(0);
    const at = number << CONTEXT_SHIFT;
    words[at] = mapping + 1;
    words[at + TAGS] = tags;
    words[at + ROOT] = rootLo;
    words[at + ROOT + 1] = rootHi;
    return number;
  }

  /** A `MAPPING`. */
  mapping(number: number): number { return this.words[number << CONTEXT_SHIFT]! - 1; }
  /** 15:0 VPID, 27:16 PCID. */
  tags(number: number): number { return this.words[(number << CONTEXT_SHIFT) + TAGS]!; }
  rootLo(number: number): number { return this.words[(number << CONTEXT_SHIFT) + ROOT]!; }
  rootHi(number: number): number { return this.words[(number << CONTEXT_SHIFT) + ROOT + 1]!; }

  /** Are the contexts the same but for the PCID, so that they share what is global? */
  shareGlobals(one: number, other: number): boolean {
    const { words } = this;
    const a = one << CONTEXT_SHIFT;
    const b = other << CONTEXT_SHIFT;
    return words[a] === words[b] && ((words[a + TAGS]! ^ words[b + TAGS]!) & VPID_MASK) === 0
      && words[a + ROOT] === words[b + ROOT] && words[a + ROOT + 1] === words[b + ROOT + 1];
  }
}
