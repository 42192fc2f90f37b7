import type { PagingFormat } from '../hardware/paging/pagingFormat';

/**
 * Makes entries of a paging format out of a frame and rights: the inverse of what the walk reads,
 * from the same table. The result is left in `lo`, `hi`.
 */
export class EntryMaker {
  lo = 0;
  hi = 0;

  constructor(private readonly format: PagingFormat) {}

  /** An entry for host frame `frame` with `rights` (in the order of the format's), neither accessed nor dirty. */
  make(frame: number, rights: number): void {
    this.lo = frame << 12;
    this.hi = frame >>> 20;
    // A format with one present bit needs it set; EPT's is any of its rights.
    if ((this.format.presentMask & (this.format.presentMask - 1)) === 0) this.lo |= this.format.presentMask;
    this.format.rights.forEach((right, index) => {
      if (((rights >> index) & 1) === right.givenBy) this.set(right.bit);
    });
  }

  /** An entry that is not present, with `number` where the frame would stand: the processor ignores it. */
  clear(number: number): void {
    this.lo = number << 12;
    this.hi = number >>> 20;
  }

  markAccessed(): void {
    this.set(this.format.accessedBit);
  }

  markDirty(): void {
    this.set(this.format.dirtyBit);
  }

  /** Translations of the leaf outlive a load of CR3. */
  markGlobal(): void {
    if (this.format.globalBit !== undefined) this.set(this.format.globalBit);
  }

  /** The entry maps a large page. */
  markLarge(): void {
    this.set(this.format.leafBit);
  }

  /** Memory type of an EPT leaf: SDM Vol. 3, "EPT and Memory Typing"; 6 is write-back. */
  setMemoryType(type: number): void {
    this.lo |= type << 3;
  }

  /** Protection key of a leaf. */
  setKey(key: number): void {
    if (this.format.keyBit !== undefined) this.hi |= key << (this.format.keyBit - 32);
  }

  private set(bit: number): void {
    if (bit < 32) this.lo |= 1 << bit;
    else this.hi |= 1 << (bit - 32);
  }
}
