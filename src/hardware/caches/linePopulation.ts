import { FRAGMENT, GLOBAL, MAPPING_AT, MAPPING_MASK, SIZE_AT, SIZE_MASK, VALID } from './lineLayout';
import type { StateClaims } from '../state/registry';

/** Words of the block: valid lines by mapping, fragments and global ones among them, valid lines by size. */
const FRAGMENTS_AT = 3;
const GLOBALS_AT = 4;
const SIZES_AT = 5;

/** How many valid lines there are of each kind: what there is none of need not be looked for, nor invalidated. */
export class LinePopulation {
  private readonly counts: Int32Array;
  /** Lines of a greater size than the least, and global ones: derived from the counts. */
  larger = 0;
  globals = 0;

  constructor(registry: StateClaims, name: string, sizes: number) {
    this.counts = registry.block(name, SIZES_AT + sizes);
  }

  /** Lines of a `MAPPING`. */
  ofMapping(mapping: number): number { return this.counts[mapping]!; }
  ofSize(size: number): number { return this.counts[SIZES_AT + size]!; }
  get fragments(): number { return this.counts[FRAGMENTS_AT]!; }

  /** A line in place of another, or of none: word 0 of each; 0: of none. */
  replace(was: number, made: number): void {
    if ((was & VALID) !== 0) this.count(was, -1);
    if ((made & VALID) !== 0) this.count(made, 1);
    this.derive();
  }

  /** Makes anew what is derived. */
  derive(): void {
    const { counts } = this;
    this.larger = 0;
    for (let at = SIZES_AT + 1; at < counts.length; at++) this.larger += counts[at]!;
    this.globals = counts[GLOBALS_AT]!;
  }

  private count(line: number, by: 1 | -1): void {
    const { counts } = this;
    counts[(line & MAPPING_MASK) >>> MAPPING_AT]! += by;
    counts[SIZES_AT + ((line >>> SIZE_AT) & SIZE_MASK)]! += by;
    if ((line & FRAGMENT) !== 0) counts[FRAGMENTS_AT]! += by;
    if ((line & GLOBAL) !== 0) counts[GLOBALS_AT]! += by;
  }
}
