/** Bytes that accesses by instructions are watched for. */
export interface WatchedBytes {
  /** Of the first byte. */
  readonly address: bigint;
  readonly length: bigint;
  /** A linear address; or one of another space, of which only the place in its page is one of the linear address too. */
  readonly isLinear: boolean;
}

const PAGE_BYTES = 4096;
const GRANULE_SHIFT = 3;
const PAGE_SHIFT = 12;
/** Granules of a page, and numbers of pages that are told apart: masks of a table's index. */
export const SIEVE = { granuleShift: GRANULE_SHIFT, granules: (PAGE_BYTES >> GRANULE_SHIFT) - 1, pageShift: PAGE_SHIFT, pages: 255 } as const;

/**
 * Tells, by the linear address that an access of up to 8 bytes begins at, that it touches none of the watched bytes: most do not.
 * What it lets through may touch them or not. Pages are at least 4 KBytes large, so a byte's place in its page is the same in all spaces.
 */
export class AccessSieve {
  /** 1 by place in the page, and by page: an access that begins there is let through where both have it. */
  readonly granules = new Uint8Array(SIEVE.granules + 1);
  readonly pages = new Uint8Array(SIEVE.pages + 1);

  constructor(bytes: readonly WatchedBytes[]) {
    for (const each of bytes) {
      this.take(each.address >> BigInt(GRANULE_SHIFT), each.address + each.length - 1n >> BigInt(GRANULE_SHIFT), this.granules);
      if (each.isLinear) this.take(each.address >> BigInt(PAGE_SHIFT), each.address + each.length - 1n >> BigInt(PAGE_SHIFT), this.pages);
      else this.pages.fill(1);
    }
  }

  /** Whether an access that begins there may touch a watched byte; `lo`: low half of its linear address. */
  letsThrough(lo: number): boolean {
    return this.granules[(lo >>> GRANULE_SHIFT) & SIEVE.granules] !== 0 && this.pages[(lo >>> PAGE_SHIFT) & SIEVE.pages] !== 0;
  }

  /** An access that begins in the granule or page before may reach into one of these. */
  private take(first: bigint, last: bigint, into: Uint8Array): void {
    if (last - first + 2n >= BigInt(into.length)) into.fill(1);
    else for (let number = first - 1n; number <= last; number++) into[Number(BigInt.asUintN(32, number)) & (into.length - 1)] = 1;
  }
}
