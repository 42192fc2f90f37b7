/**
 * What each bit of a paging-structure entry is for, copied from the manuals' tables of formats bit by bit, highest first.
 * The oracle's own: nothing of `src/` is used here, so that a wrong bit there is not wrong here too.
 */
export type Meaning =
  | 'P' | 'R/W' | 'U/S' | 'PWT' | 'PCD' | 'A' | 'D' | 'PAT' | 'PS' | 'G' | 'key' | 'XD'
  | 'address' | 'address bits 39:32' | 'ignored' | 'reserved'
  | 'R' | 'W' | 'X' | 'XU' | 'memory type' | 'IPAT' | 'SVE';

export interface BitRow {
  readonly high: number;
  readonly low: number;
  readonly meaning: Meaning;
}
export type BitTable = readonly BitRow[];

/** `51:12 address` or `7 PS`. */
function bits(...rows: readonly string[]): BitTable {
  return rows.map((row) => {
    const [, high = '', low = high, meaning = ''] = /^(\d+)(?::(\d+))? (.*)$/.exec(row) ?? [];
    return { high: Number(high), low: Number(low), meaning: meaning as Meaning };
  });
}

const FLAGS = ['5 A', '4 PCD', '3 PWT', '2 U/S', '1 R/W', '0 P'] as const;

/** One level of paging structures: which address bits choose the entry, and what an entry holds. */
export interface Structure {
  /** The manual's name of an entry. */
  readonly name: string;
  /** The address bits that choose the entry: this one and those above it. */
  readonly indexLow: number;
  readonly indexBits: number;
  readonly entryBytes: 4 | 8;
  /** Format of an entry that references another structure; left out where each entry maps a page. */
  readonly table?: BitTable;
  /** Format of an entry that maps a page, whose size is 2 to the power of `indexLow`; left out where none does. */
  readonly page?: BitTable;
  /** The processor holds these entries in registers: SDM Vol. 3, "PDPTE Registers". */
  readonly held?: 'in registers';
}

/** SDM Vol. 3, "Formats of CR3 and Paging-Structure Entries with 32-Bit Paging". Bit 7 of a PDE counts while CR4.PSE is 1. */
const bits32: readonly Structure[] = [
  {
    name: 'PDE', indexLow: 22, indexBits: 10, entryBytes: 4,
    table: bits('31:12 address', '11:8 ignored', '7 PS', '6 ignored', ...FLAGS),
    page: bits('31:22 address', '21 reserved', '20:13 address bits 39:32', '12 PAT', '11:9 ignored', '8 G', '7 PS', '6 D', ...FLAGS),
  },
  {
    name: 'PTE', indexLow: 12, indexBits: 10, entryBytes: 4,
    page: bits('31:12 address', '11:9 ignored', '8 G', '7 PAT', '6 D', ...FLAGS),
  },
];

/** SDM Vol. 3, "Formats of CR3 and Paging-Structure Entries with PAE Paging": bits that are ignored elsewhere are reserved. */
const pae: readonly Structure[] = [
  {
    name: 'PDPTE', indexLow: 30, indexBits: 2, entryBytes: 8, held: 'in registers',
    table: bits('63:52 reserved', '51:12 address', '11:9 ignored', '8:5 reserved', '4 PCD', '3 PWT', '2:1 reserved', '0 P'),
  },
  {
    name: 'PDE', indexLow: 21, indexBits: 9, entryBytes: 8,
    table: bits('63 XD', '62:52 reserved', '51:12 address', '11:8 ignored', '7 PS', '6 ignored', ...FLAGS),
    page: bits(
      '63 XD', '62:52 reserved', '51:21 address', '20:13 reserved', '12 PAT', '11:9 ignored', '8 G', '7 PS', '6 D', ...FLAGS),
  },
  {
    name: 'PTE', indexLow: 12, indexBits: 9, entryBytes: 8,
    page: bits('63 XD', '62:52 reserved', '51:12 address', '11:9 ignored', '8 G', '7 PAT', '6 D', ...FLAGS),
  },
];

/** SDM Vol. 3, "Formats of CR3 and Paging-Structure Entries with 4-Level Paging and 5-Level Paging". */
const referencing = (seven: 'reserved' | 'PS'): BitTable => bits(
  '63 XD', '62:52 ignored', '51:12 address', '11:8 ignored', `7 ${seven}`, '6 ignored', ...FLAGS);
const PML5E: Structure = { name: 'PML5E', indexLow: 48, indexBits: 9, entryBytes: 8, table: referencing('reserved') };
const long: readonly Structure[] = [
  { name: 'PML4E', indexLow: 39, indexBits: 9, entryBytes: 8, table: referencing('reserved') },
  {
    name: 'PDPTE', indexLow: 30, indexBits: 9, entryBytes: 8, table: referencing('PS'),
    page: bits('63 XD', '62:59 key', '58:52 ignored', '51:30 address', '29:13 reserved', '12 PAT', '11:9 ignored', '8 G', '7 PS', '6 D', ...FLAGS),
  },
  {
    name: 'PDE', indexLow: 21, indexBits: 9, entryBytes: 8, table: referencing('PS'),
    page: bits('63 XD', '62:59 key', '58:52 ignored', '51:21 address', '20:13 reserved', '12 PAT', '11:9 ignored', '8 G', '7 PS', '6 D', ...FLAGS),
  },
  {
    name: 'PTE', indexLow: 12, indexBits: 9, entryBytes: 8,
    page: bits('63 XD', '62:59 key', '58:52 ignored', '51:12 address', '11:9 ignored', '8 G', '7 PAT', '6 D', ...FLAGS),
  },
];

/** From the top. */
export const pagingStructures = { 'none': [], '32-bit': bits32, 'PAE': pae, '4-level': long, '5-level': [PML5E, ...long] } as const;
export type Paging = keyof typeof pagingStructures;

/** SDM Vol. 3, "Formats of EPTP and EPT Paging-Structure Entries". */
const EPT_RWX = ['2 X', '1 W', '0 R'] as const;
const EPT_REFERENCING = ['63:52 ignored', '51:12 address', '11 ignored', '10 XU', '9 ignored', '8 A'] as const;
const eptPage = (address: readonly string[], seven: 'PS' | 'ignored'): BitTable => bits(
  '63 SVE', '62:52 ignored', ...address, '11 ignored', '10 XU', '9 D', '8 A', `7 ${seven}`, '6 IPAT', '5:3 memory type', ...EPT_RWX);
const eptUpper = bits(...EPT_REFERENCING, '7:3 reserved', ...EPT_RWX);
const eptLower = bits(...EPT_REFERENCING, '7 PS', '6:3 reserved', ...EPT_RWX);
const ept: readonly Structure[] = [
  { name: 'EPT PML4E', indexLow: 39, indexBits: 9, entryBytes: 8, table: eptUpper },
  { name: 'EPT PDPTE', indexLow: 30, indexBits: 9, entryBytes: 8, table: eptLower, page: eptPage(['51:30 address', '29:12 reserved'], 'PS') },
  { name: 'EPT PDE', indexLow: 21, indexBits: 9, entryBytes: 8, table: eptLower, page: eptPage(['51:21 address', '20:12 reserved'], 'PS') },
  { name: 'EPT PTE', indexLow: 12, indexBits: 9, entryBytes: 8, page: eptPage(['51:12 address'], 'ignored') },
];
export const eptStructures = {
  'EPT, 4 levels': ept,
  'EPT, 5 levels': [{ name: 'EPT PML5E', indexLow: 48, indexBits: 9, entryBytes: 8, table: eptUpper }, ...ept],
} as const satisfies Record<string, readonly Structure[]>;
export type EptLength = keyof typeof eptStructures;
