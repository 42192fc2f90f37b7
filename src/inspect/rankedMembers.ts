const BLOCK_SHIFT = 10;
const BLOCK = 1 << BLOCK_SHIFT;

/**
 * The numbers below `end` for which something holds, found by their rank. One pass counts them by blocks; the numbers
 * of a part are looked for only in its blocks, so that of a million nobody makes a list.
 */
export class RankedMembers {
  readonly count: number;
  /** How many there are below each block. */
  private readonly below: Int32Array;

  constructor(private readonly end: number, private readonly isMember: (number: number) => boolean) {
    const blocks = Math.ceil(end / BLOCK);
    this.below = new Int32Array(blocks + 1);
    let count = 0;
    for (let block = 0; block < blocks; block++) {
      this.below[block] = count;
      const stop = Math.min(end, (block + 1) << BLOCK_SHIFT);
      for (let number = block << BLOCK_SHIFT; number < stop; number++) if (isMember(number)) count++;
    }
    this.below[blocks] = count;
    this.count = count;
  }

  has(number: number): boolean {
    return Number.isInteger(number) && number >= 0 && number < this.end && this.isMember(number);
  }

  /** Those of rank `start` on, at most `count`, ascending. */
  slice(start: number, count: number): readonly number[] {
    const found: number[] = [];
    if (count <= 0 || start >= this.count) return found;
    let low = 0;
    let high = this.below.length - 1;
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if (this.below[middle]! <= start) low = middle;
      else high = middle;
    }
    let rank = this.below[low]!;
    for (let number = low << BLOCK_SHIFT; number < this.end && found.length < count; number++) {
      if (!this.isMember(number)) continue;
      if (rank >= start) found.push(number);
      rank++;
    }
    return found;
  }
}
