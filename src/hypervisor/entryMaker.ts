import type { PagingFormat } from '../hardware/pagingFormat';

/**
 * Makes entries of a paging format out of a frame and rights: the inverse of what the walk reads,
 * from the same table. The result is left in `lo`, `hi`.
 */
export class EntryMaker {
  lo = 0;
  hi = 0;

  constructor(private readonly format: PagingFormat) {}

  /**
   * An entry that references the table in host frame `frame`: every right given, accessed. Rights
   * are then the leaf's alone to withhold.
   */
  table(frame: number): void {
    this.compose(frame, 7);
    this.set(this.format.accessedBit);
  }

  /** A leaf for a 4-KByte page. `rights`: in the order of the format's. Accessed is set; dirty when 1. */
  leaf(frame: number, rights: number, dirty: 0 | 1): void {
    this.compose(frame, rights);
    this.set(this.format.accessedBit);
    if (dirty) this.set(this.format.dirtyBit);
  }

  /** Memory type of an EPT leaf: SDM Vol. 3, "EPT and Memory Typing"; 6 is write-back. */
  setMemoryType(type: number): void {
    this.lo |= type << 3;
  }

  /** Protection key of a leaf. */
  setKey(key: number): void {
    if (this.format.keyBit !== undefined) this.hi |= key << (this.format.keyBit - 32);
  }

  private compose(frame: number, rights: number): void {
    this.lo = frame << 12;
    this.hi = frame >>> 20;
    // A format with one present bit needs it set; EPT's is any of its rights.
    if ((this.format.presentMask & (this.format.presentMask - 1)) === 0) this.lo |= this.format.presentMask;
    this.format.rights.forEach((right, index) => {
      if (((rights >> index) & 1) === right.givenBy) this.set(right.bit);
    });
  }

  private set(bit: number): void {
    if (bit < 32) this.lo |= 1 << bit;
    else this.hi |= 1 << (bit - 32);
  }
}
