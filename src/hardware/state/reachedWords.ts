/**
 * Words of which only a first part is in use, and may come to be: what lies behind it has never been written and is zero, so
 * that a checkpoint copies that part alone.
 */
export class ReachedWords {
  readonly words: Int32Array;
  private reached = 0;

  constructor(count: number) {
    this.words = new Int32Array(count);
  }

  /** Before words up to `count` are written. */
  reach(count: number): void {
    if (count > this.reached) this.reached = count;
  }

  /** The part in use, copied: over `spare` where that has its length. */
  copy(spare: Int32Array | undefined): Int32Array {
    const used = this.words.subarray(0, this.reached);
    if (spare?.length !== used.length) return used.slice();
    spare.set(used);
    return spare;
  }

  /** Puts back what was copied; what has come into use since is zero again. */
  putBack(copy: Int32Array): void {
    this.words.set(copy);
    this.words.fill(0, copy.length, this.reached);
  }

  /** Whether it is no longer as it was copied. */
  differsFrom(copy: Int32Array): boolean {
    for (let i = 0; i < this.reached; i++) if (this.words[i] !== (copy[i] ?? 0)) return true;
    return false;
  }
}
