import type { BitTable, Meaning, Structure } from './bitTables';

/** What of the processor and its registers an entry's meaning depends on. */
export interface EntryContext {
  readonly maxphyaddr: number;
  /** EFER.NXE. */
  readonly nxe: boolean;
  /** CR4.PSE. */
  readonly pse: boolean;
  /** Does the processor take execute-only EPT entries? IA32_VMX_EPT_VPID_CAP bit 0. */
  readonly executeOnly: boolean;
}

/** What an entry of a linear or nested page table says, in words. Of a bit that the entry has not, what its absence means. */
export interface EntryFacts {
  readonly present: boolean;
  readonly reserved: boolean;
  readonly mapsPage: boolean;
  readonly writable: boolean;
  readonly user: boolean;
  readonly noExecute: boolean;
  readonly accessed: boolean;
  readonly dirty: boolean;
  /** Masks of the flags that a processor sets in it: 0 where it has none. */
  readonly accessedFlag: number;
  readonly dirtyFlag: number;
  readonly global: boolean;
  readonly key: number;
  /** Physical address that it holds. */
  readonly frame: number;
  /** log2 of what it maps. */
  readonly sizeBits: number;
}

/** What an EPT entry says. */
export interface EptFacts {
  readonly present: boolean;
  readonly misconfigured: boolean;
  readonly mapsPage: boolean;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly accessed: boolean;
  readonly dirty: boolean;
  readonly frame: number;
  readonly sizeBits: number;
}

/** The value of the field with this meaning, shifted down; undefined where the format has none. */
function field(table: BitTable, meaning: Meaning, value: bigint): bigint | undefined {
  const row = table.find((candidate) => candidate.meaning === meaning);
  return row === undefined ? undefined : BigInt.asUintN(row.high - row.low + 1, value >> BigInt(row.low));
}

const isSet = (table: BitTable, meaning: Meaning, value: bigint): boolean => (field(table, meaning, value) ?? 0n) !== 0n;
const maskOf = (table: BitTable, meaning: Meaning): number => {
  const row = table.find((candidate) => candidate.meaning === meaning);
  return row === undefined ? 0 : 1 << row.low;
};

/** "The address is MAXPHYADDR bits wide": what is set above is reserved. PSE-36 has 40 bits at most. */
function physicalAddress(table: BitTable, value: bigint): bigint {
  let address = 0n;
  for (const { high, low, meaning } of table) {
    const held = BigInt.asUintN(high - low + 1, value >> BigInt(low));
    if (meaning === 'address') address |= held << BigInt(low);
    if (meaning === 'address bits 39:32') address |= held << 32n;
  }
  return address;
}

/** SDM Vol. 3, "Paging-Structure Entries": PS = 1 maps a page; while CR4.PSE is 0 32-bit paging ignores the bit. */
function formatOf(structure: Structure, value: bigint, context: EntryContext): BitTable {
  const { table, page } = structure;
  if (page === undefined || table === undefined) return page ?? table ?? [];
  const isPage = isSet(page, 'PS', value) && (structure.entryBytes === 8 || context.pse);
  return isPage ? page : table;
}

function hasReservedBit(table: BitTable, value: bigint, context: EntryContext): boolean {
  const aReservedBit = table.some(({ high, low, meaning }) => (
    meaning === 'reserved' && BigInt.asUintN(high - low + 1, value >> BigInt(low)) !== 0n));
  const isBeyond = physicalAddress(table, value) >> BigInt(context.maxphyaddr) !== 0n;
  const xdWithoutNxe = isSet(table, 'XD', value) && !context.nxe;
  return aReservedBit || isBeyond || xdWithoutNxe;
}

/** Reads an entry as the manual's tables have it. An entry that is not present says nothing else. */
export function readEntry(structure: Structure, value: bigint, context: EntryContext): EntryFacts {
  const format = formatOf(structure, value, context);
  const present = isSet(format, 'P', value);
  const mapsPage = present && format === structure.page;
  return {
    present,
    reserved: present && hasReservedBit(format, value, context),
    mapsPage,
    writable: field(format, 'R/W', value) !== 0n,
    user: field(format, 'U/S', value) !== 0n,
    noExecute: isSet(format, 'XD', value),
    accessed: isSet(format, 'A', value),
    dirty: isSet(format, 'D', value),
    accessedFlag: maskOf(format, 'A'),
    dirtyFlag: maskOf(format, 'D'),
    global: isSet(format, 'G', value),
    key: Number(field(format, 'key', value) ?? 0n),
    frame: Number(physicalAddress(format, value)),
    sizeBits: structure.indexLow,
  };
}

/** SDM Vol. 3, "EPT Misconfigurations". */
function isMisconfigured(format: BitTable, value: bigint, context: EntryContext, mapsPage: boolean): boolean {
  const readable = isSet(format, 'R', value);
  const writable = isSet(format, 'W', value);
  const executable = isSet(format, 'X', value);
  const writableNotReadable = writable && !readable;
  const executeOnly = executable && !readable && !writable;
  const type = Number(field(format, 'memory type', value) ?? 0n);
  const noSuchType = mapsPage && [2, 3, 7].includes(type);
  return writableNotReadable || executeOnly && !context.executeOnly || noSuchType
    || hasReservedBit(format, value, context);
}

/** Reads an EPT entry as the manual's tables have it. */
export function readEptEntry(structure: Structure, value: bigint, context: EntryContext): EptFacts {
  const format = formatOf(structure, value, context);
  const readable = isSet(format, 'R', value);
  const writable = isSet(format, 'W', value);
  const executable = isSet(format, 'X', value);
  const present = readable || writable || executable;
  const mapsPage = present && format === structure.page;
  return {
    present,
    misconfigured: present && isMisconfigured(format, value, context, mapsPage),
    mapsPage,
    readable,
    writable,
    executable,
    accessed: isSet(format, 'A', value),
    dirty: isSet(format, 'D', value),
    frame: Number(physicalAddress(format, value)),
    sizeBits: structure.indexLow,
  };
}
