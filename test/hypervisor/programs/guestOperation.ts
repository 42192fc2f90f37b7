import fc from 'fast-check';

/** What a random guest does: one operation is a few statements. Addresses are in words of the layout, not in numbers. */
export type GuestOperation =
  | { readonly kind: 'access'; readonly access: Access }
  | { readonly kind: 'edit'; readonly edit: Edit }
  | { readonly kind: 'remap'; readonly page: number; readonly frame: number; readonly rights: number; readonly flags: number }
  | { readonly kind: 'map' | 'unmap'; readonly page: number; readonly frame: number; readonly rights: number }
  | { readonly kind: 'switch'; readonly to: 'p' | 'q' }
  | { readonly kind: 'control'; readonly bit: ControlBit; readonly value: 0 | 1 }
  | { readonly kind: 'pkru'; readonly value: number }
  | { readonly kind: 'stac' | 'clac' | 'flush' }
  | { readonly kind: 'readCr3' };

export type ControlBit = 'cr0.WP' | 'cr4.SMEP' | 'cr4.SMAP' | 'cr4.PGE' | 'cr4.PKE' | 'efer.NXE';

export interface Access {
  readonly by: 'user' | 'kernel';
  readonly what: 'load' | 'store' | 'fetch' | '^=' | '|=' | '&=';
  readonly size: 1 | 2 | 4 | 8;
  /** Index into the layout's pages; the program's own features decide which those are. */
  readonly page: number;
  readonly offset: number;
  readonly value: bigint;
}

/** A change of a paging-structure entry of `process` through the kernel's direct map. */
export interface Edit {
  readonly process: 'p' | 'q';
  readonly level: 1 | 2 | 3 | 4;
  /** Which entry of the level: the layout maps it to one that is in use. */
  readonly index: number;
  readonly how: '^=' | '|=' | '&=' | 'write' | 'clear' | 'byte' | 'high dword' | 'low dword' | 'straddle';
  /** Bits that it is about, as an entry's. */
  readonly bits: bigint;
}

/** Parts of the address space that not every program has. */
export interface Features {
  /** A second directory entry leads to the same page table, without RW. */
  readonly alias: boolean;
  /** A 2-MByte page by hand: over data, or over the guest's own tables. */
  readonly large: 'none' | 'data' | 'tables';
  /** The page table and the directory are mapped for the user. */
  readonly window: boolean;
  /** An entry of the PML4 references the PML4. */
  readonly selfMap: 'none' | 'kernel' | 'user';
  /** The page table is used as a page directory too. */
  readonly twoLevels: boolean;
  /** A 1-GByte page over all RAM, and what lies beyond it. */
  readonly gigabyte: boolean;
  /** A page that no memory answers. */
  readonly device: boolean;
}

export interface GuestProgram {
  /**
   * `careful`: stores go to data, edits of entries are followed by the INVLPG that they need and by no other.
   * `wild`: stores go anywhere, tables included, and each is followed by a flush of everything.
   */
  readonly style: 'careful' | 'wild';
  readonly features: Features;
  readonly tlb: '64 entries 4 ways' | '8 entries 2 ways';
  readonly rewalk: 'on' | 'off';
  readonly operations: readonly GuestOperation[];
}

/** P RW US PWT A D G of an entry, key 1, a reserved bit and XD. */
const ENTRY_BITS = [0n, 1n, 2n, 3n, 5n, 6n, 8n, 59n, 51n, 63n];
const RIGHTS_BITS = [0n, 1n, 2n, 5n, 6n, 63n];

const bitSet = (bits: readonly bigint[]): fc.Arbitrary<bigint> => (
  fc.subarray([...bits], { minLength: 1, maxLength: 3 }).map((some) => some.reduce((all, bit) => all | (1n << bit), 0n))
);

const access: fc.Arbitrary<Access> = fc.record({
  by: fc.constantFrom('user', 'kernel'),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Access['what']>('load', 'store') },
    { weight: 2, arbitrary: fc.constantFrom<Access['what']>('^=', '|=', '&=') },
    { weight: 1, arbitrary: fc.constant<Access['what']>('fetch') },
  ),
  size: fc.constantFrom(8, 4, 2, 1),
  page: fc.nat(63),
  offset: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(0, 8, 16, 24, 0x60, 0xa0) },
    { weight: 1, arbitrary: fc.constantFrom(0xfff, 0xffe, 0xffc, 0xffb, 0xff8) },
    { weight: 1, arbitrary: fc.constantFrom(1, 4, 5, 7, 12, 28) },
  ),
  value: fc.oneof(
    fc.bigInt(0n, (1n << 64n) - 1n),
    fc.constantFrom(0n, 0x63n, 0x67n, 0x100067n, 0x800063n, 0x101007n, 0x1030e7n, 0x8000000000102067n),
  ),
});

const edit: fc.Arbitrary<Edit> = fc.record({
  process: fc.oneof({ weight: 4, arbitrary: fc.constant<Edit['process']>('p') }, { weight: 1, arbitrary: fc.constant<Edit['process']>('q') }),
  level: fc.oneof(
    { weight: 5, arbitrary: fc.constant<Edit['level']>(1) }, { weight: 4, arbitrary: fc.constant<Edit['level']>(2) },
    { weight: 1, arbitrary: fc.constantFrom<Edit['level'][]>(3, 4) },
  ),
  index: fc.nat(31),
  how: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<Edit['how']>('^=', '|=', '&=') },
    { weight: 1, arbitrary: fc.constantFrom<Edit['how']>('write', 'clear', 'byte', 'high dword', 'low dword', 'straddle') },
  ),
  bits: fc.oneof({ weight: 3, arbitrary: bitSet(RIGHTS_BITS) }, { weight: 1, arbitrary: bitSet(ENTRY_BITS) }),
});

const operation: fc.Arbitrary<GuestOperation> = fc.oneof(
  { weight: 12, arbitrary: access.map((of): GuestOperation => ({ kind: 'access', access: of })) },
  { weight: 6, arbitrary: edit.map((of): GuestOperation => ({ kind: 'edit', edit: of })) },
  {
    weight: 2,
    arbitrary: fc.record({ page: fc.nat(15), frame: fc.nat(3), rights: fc.nat(3), flags: fc.nat(7) })
      .map((of): GuestOperation => ({ kind: 'remap', ...of })),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom<('map' | 'unmap')[]>('map', 'unmap'), page: fc.nat(15), frame: fc.nat(3), rights: fc.nat(3) })
      .map((of): GuestOperation => of),
  },
  { weight: 1, arbitrary: fc.constantFrom<('p' | 'q')[]>('p', 'q').map((to): GuestOperation => ({ kind: 'switch', to })) },
  {
    weight: 3,
    arbitrary: fc.record({
      bit: fc.constantFrom<ControlBit[]>('cr0.WP', 'cr0.WP', 'cr4.SMEP', 'cr4.SMAP', 'cr4.PGE', 'cr4.PKE', 'efer.NXE'),
      value: fc.constantFrom<(0 | 1)[]>(0, 1),
    }).map((of): GuestOperation => ({ kind: 'control', ...of })),
  },
  { weight: 1, arbitrary: fc.nat(15).map((value): GuestOperation => ({ kind: 'pkru', value })) },
  { weight: 2, arbitrary: fc.constantFrom<GuestOperation[]>({ kind: 'stac' }, { kind: 'clac' }, { kind: 'flush' }, { kind: 'readCr3' }) },
);

const features: fc.Arbitrary<Features> = fc.record({
  alias: fc.boolean(),
  large: fc.constantFrom('none', 'data', 'tables'),
  window: fc.boolean(),
  selfMap: fc.constantFrom('none', 'kernel', 'user'),
  twoLevels: fc.boolean(),
  gigabyte: fc.boolean(),
  device: fc.boolean(),
});

export const guestPrograms: fc.Arbitrary<GuestProgram> = fc.record({
  style: fc.constantFrom('careful', 'wild'),
  features,
  tlb: fc.constantFrom('64 entries 4 ways', '8 entries 2 ways'),
  rewalk: fc.constantFrom('off', 'on'),
  operations: fc.array(operation, { minLength: 4, maxLength: 40 }),
});
