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
/** Bits of a page's number that tell pages apart, by more of them than there are: the next higher ones are mixed in. */
const PAGE_BITS = 12;
const GRANULES = (PAGE_BYTES >> GRANULE_SHIFT) - 1;
const PAGES = (1 << PAGE_BITS) - 1;

/**
 * Tells, by the linear address that an access of up to 8 bytes begins at, that it touches none of the watched bytes: most do not.
 * What it lets through may touch them or not. Pages are at least 4 KBytes large, so a byte's place in its page is the same in all spaces.
 */
export class AccessSieve {
  /** 1 by place in the page, and by page: an access that begins there is let through where both have it. */
  private readonly granules = new Uint8Array(GRANULES + 1);
  private readonly pages = new Uint8Array(PAGES + 1);

  constructor(bytes: readonly WatchedBytes[]) {
    for (const each of bytes) {
      take(each, GRANULE_SHIFT, this.granules, granuleAt);
      if (each.isLinear) take(each, PAGE_SHIFT, this.pages, pageAt);
      else this.pages.fill(1);
    }
  }

  /** Whether an access that begins there may touch a watched byte; `lo`: low half of its linear address. */
  letsThrough(lo: number): boolean {
    return this.granules[granuleAt(lo)] !== 0 && this.pages[pageAt(lo)] !== 0;
  }
}

function granuleAt(lo: number): number {
  return (lo >>> GRANULE_SHIFT) & GRANULES;
}

function pageAt(lo: number): number {
  return (lo >>> PAGE_SHIFT ^ lo >>> PAGE_SHIFT + PAGE_BITS) & PAGES;
}

/** Takes the granules or pages of some bytes; an access that begins in the one before may reach into the first. */
function take({ address, length }: WatchedBytes, shift: number, into: Uint8Array, indexOf: (lo: number) => number): void {
  const first = (address >> BigInt(shift)) - 1n;
  const last = address + length - 1n >> BigInt(shift);
  if (last - first >= BigInt(into.length)) into.fill(1);
  else for (let number = first; number <= last; number++) into[indexOf(Number(BigInt.asIntN(32, number << BigInt(shift))))] = 1;
}
