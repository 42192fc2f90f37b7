import type { BitTable, Meaning, Structure } from './bitTables';

/** What of the processor and its registers an entry's meaning depends on. */
export interface EntryContext {
  readonly maxphyaddr: number;
  /** EFER.NXE. */
  readonly nxe: boolean;
  /** CR4.PSE. */
  readonly pse: boolean;
  readonly features: Features;
  /** The VM-execution control "mode-based execute control for EPT". */
  readonly modeBasedExecute: boolean;
}

/** Pages and entries that a processor may lack. */
export interface Features {
  /** CPUID.80000001H:EDX[26] and CPUID.01H:EDX[17]. */
  readonly page1Gb: boolean;
  readonly pse36: boolean;
  /** IA32_VMX_EPT_VPID_CAP bits 0, 16, 17 and 22. */
  readonly executeOnly: boolean;
  readonly ept2Mb: boolean;
  readonly ept1Gb: boolean;
  readonly advancedInformation: boolean;
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
  /** XU: without mode-based execute control it says nothing. */
  readonly userExecutable: boolean;
  /** Bit 63, which counts in an entry that is not present too. */
  readonly suppressVe: boolean;
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

/** A page of a size that the processor has not: PS is a reserved bit then, and PSE-36's address bits too. */
function isLackedPage(structure: Structure, table: BitTable, value: bigint, { features }: EntryContext): boolean {
  const isNested = structure.name.startsWith('EPT');
  if (table !== structure.page || structure.table === undefined) return false;
  if (structure.indexLow === 30) return isNested ? !features.ept1Gb : !features.page1Gb;
  if (isNested) return structure.indexLow === 21 && !features.ept2Mb;
  return !features.pse36 && isSet(table, 'address bits 39:32', value);
}

function hasReservedBit(structure: Structure, table: BitTable, value: bigint, context: EntryContext): boolean {
  const aReservedBit = table.some(({ high, low, meaning }) => (
    meaning === 'reserved' && BigInt.asUintN(high - low + 1, value >> BigInt(low)) !== 0n));
  const isBeyond = physicalAddress(table, value) >> BigInt(context.maxphyaddr) !== 0n;
  const xdWithoutNxe = isSet(table, 'XD', value) && !context.nxe;
  return aReservedBit || isBeyond || xdWithoutNxe || isLackedPage(structure, table, value, context);
}

/** Reads an entry as the manual's tables have it. An entry that is not present says nothing else. */
export function readEntry(structure: Structure, value: bigint, context: EntryContext): EntryFacts {
  const format = formatOf(structure, value, context);
  const present = isSet(format, 'P', value);
  const mapsPage = present && format === structure.page;
  return {
    present,
    reserved: present && hasReservedBit(structure, format, value, context),
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

/** SDM Vol. 3, "EPT Misconfigurations", condition by condition. */
function isMisconfigured(
  structure: Structure, format: BitTable, value: bigint, context: EntryContext, rights: Pick<EptFacts, 'readable' | 'writable' | 'executable' | 'userExecutable'>,
): boolean {
  // "Bit 0 of the entry is clear (data reads are not allowed) and bit 1 is set (data writes are allowed)."
  if (!rights.readable && rights.writable) return true;
  // "Either of the following if the processor does not support execute-only translations: bit 0 is clear and bit 2 is set;
  // if mode-based execute control is 1, bit 0 is clear and bit 10 is set."
  if (!context.features.executeOnly && !rights.readable && (rights.executable || rights.userExecutable)) return true;
  // "The entry is the last one used and bits 5:3 have value 2, 3, or 7."
  const type = Number(field(format, 'memory type', value) ?? 0n);
  if (format === structure.page && [2, 3, 7].includes(type)) return true;
  // "A reserved bit is set", physical-address bits beyond MAXPHYADDR among them.
  return hasReservedBit(structure, format, value, context);
}

/** Reads an EPT entry as the manual's tables have it. */
export function readEptEntry(structure: Structure, value: bigint, context: EntryContext): EptFacts {
  const format = formatOf(structure, value, context);
  const rights = {
    readable: isSet(format, 'R', value),
    writable: isSet(format, 'W', value),
    executable: isSet(format, 'X', value),
    userExecutable: context.modeBasedExecute && isSet(format, 'XU', value),
  };
  // "An EPT paging-structure entry is present if any of bits 2:0 is 1 or, with mode-based execute control, if bit 10 is 1."
  const present = rights.readable || rights.writable || rights.executable || rights.userExecutable;
  return {
    ...rights,
    present,
    misconfigured: present && isMisconfigured(structure, format, value, context, rights),
    mapsPage: present && format === structure.page,
    suppressVe: value >> 63n === 1n,
    accessed: isSet(format, 'A', value),
    dirty: isSet(format, 'D', value),
    frame: Number(physicalAddress(format, value)),
    sizeBits: structure.indexLow,
  };
}
