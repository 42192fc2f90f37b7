const REGIONS = 1024;
/** After the rows: what was read ahead, which would not be read if it went nowhere. */
const READ_AHEAD = REGIONS << 1;

/**
 * Where a two-dimensional walk will likely read its two last entries, the guest's and that of the final address: by
 * regions of 2 MBytes, where those of the region's page 0 would be by what was found last. A walk that caches take part in
 * reads both when it begins, so that memory looks for them at once, while the caches are asked, and not for one after the other.
 *
 * No more than a guess, right where pages that follow each other are mapped to pages that do. Nothing comes of what is read, so
 * nobody need keep it right: it is no state, and no cache of the processor.
 */
export class LikelyEntries {
  /** Index in memory's words of the last entry that a walk read in a table of level 1. */
  last = 0;
  /** Two words a region: of the guest's entry and of the nested one, indices in memory's words. */
  private readonly rows = new Int32Array(READ_AHEAD + 1);

  /** Reads ahead for a walk of the address whose low half is `lo`; `words`: memory's. */
  foresee(words: Int32Array, lo: number): void {
    const { rows } = this;
    const row = rowOf(lo);
    const offset = offsetOf(lo);
    const own = rows[row]! + offset >>> 0;
    const final = rows[row | 1]! + offset >>> 0;
    rows[READ_AHEAD] = (own < words.length ? words[own]! : 0) ^ (final < words.length ? words[final]! : 0);
  }

  /** Takes in where a walk found them: its own one is `last`. */
  learn(lo: number, final: number): void {
    const { rows, last } = this;
    const row = rowOf(lo);
    const offset = offsetOf(lo);
    rows[row] = last - offset;
    rows[row | 1] = final - offset;
  }
}

/** By bits 30:21. */
function rowOf(lo: number): number {
  return (lo >>> 20) & (READ_AHEAD - 2);
}

/** Of an entry in its table, in words: entries of 8 bytes, by bits 20:12. */
function offsetOf(lo: number): number {
  return (lo >>> 11) & 0x3fe;
}
