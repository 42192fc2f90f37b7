import { LEGACY32 } from '../hardware/paging/formats/legacy32';
import { LONG4 } from '../hardware/paging/formats/long4';
import { LONG5 } from '../hardware/paging/formats/long5';
import { PAE } from '../hardware/paging/formats/pae';
import type { PagingFormat } from '../hardware/paging/pagingFormat';

/** The values of `paging`. */
export const pagingModeNames = ['none', '32-bit', 'pae', '4-level', '5-level'] as const;
export type PagingModeName = (typeof pagingModeNames)[number];

const LOW_MEMORY = 512n << 20n;
/** One entry of the table that CR3 names in 4-level mode. */
const LONG_MODE_RAM = 1n << 39n;

/** What a paging mode means to the language, to the loader and to the kernel library. */
export interface PagingModeRow {
  readonly name: PagingModeName;
  /** Format of its entries; without paging there are none. */
  readonly format: PagingFormat | undefined;
  /** Size of plain `[a]`. */
  readonly wordBytes: 2 | 4 | 8;
  /** Where the kernel finds guest-physical address 0, and how many bytes of guest-physical memory it finds there. */
  readonly directMap: { readonly base: bigint; readonly bytes: bigint };
  /** Two pages through which the kernel reaches frames above the direct map; the page table that maps them is the loader's. */
  readonly window: bigint | undefined;
  /** Linear addresses end here; above it the upper half starts, where the mode has one. */
  readonly lowerEnd: bigint;
  readonly upperStart: bigint | undefined;
}

/** Linux's layouts: x86-64 `page_offset_base`, 32-bit PAGE_OFFSET with low memory and a fixmap above it. */
export const pagingModes: readonly PagingModeRow[] = [
  { name: 'none', format: undefined, wordBytes: 2, directMap: { base: 0n, bytes: 1n << 32n }, window: undefined, lowerEnd: 1n << 32n, upperStart: undefined },
  { name: '32-bit', format: LEGACY32, wordBytes: 4, directMap: { base: 0xc000_0000n, bytes: LOW_MEMORY }, window: 0xe000_0000n, lowerEnd: 1n << 32n, upperStart: undefined },
  { name: 'pae', format: PAE, wordBytes: 4, directMap: { base: 0xc000_0000n, bytes: LOW_MEMORY }, window: 0xe000_0000n, lowerEnd: 1n << 32n, upperStart: undefined },
  { name: '4-level', format: LONG4, wordBytes: 8, directMap: { base: 0xffff_8880_0000_0000n, bytes: LONG_MODE_RAM }, window: undefined, lowerEnd: 1n << 47n, upperStart: 0xffff_8000_0000_0000n },
  { name: '5-level', format: LONG5, wordBytes: 8, directMap: { base: 0xff11_0000_0000_0000n, bytes: LONG_MODE_RAM }, window: undefined, lowerEnd: 1n << 56n, upperStart: 0xff00_0000_0000_0000n },
];

/** The row of a mode. */
export function pagingModeOf(name: PagingModeName): PagingModeRow {
  const row = pagingModes.find((each) => each.name === name);
  if (row === undefined) throw new Error(`invariant: no row for paging ${name}`);
  return row;
}
