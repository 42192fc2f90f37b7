/** Which entries of a level a row is about: those that map a page, those that reference a table, or both. */
export type EntryUse = 'leaf' | 'table' | 'any';

/** A control without which a bit is ignored. SDM Vol. 3, "Mode-Based Execute Control for EPT", "32-Bit Paging". */
export type FormatNeed = 'mode-based execute control' | 'CR4.PSE';

/** A right that an entry gives or withholds. A walk's right is the logical AND over the entries used. */
export interface RightBit {
  readonly name: string;
  readonly bit: number;
  /** The bit's value that gives the right. */
  readonly givenBy: 0 | 1;
  /** Without this the bit is ignored, and there is no such right. */
  readonly needs?: FormatNeed;
}

/** When a reserved-bit rule holds. */
export type ReservedWhen =
  | 'always'
  /** For the part of `bits` at and above MAXPHYADDR. */
  | 'above MAXPHYADDR'
  | 'EFER.NXE = 0'
  /** On a processor that lacks the page size, or the mechanism. */
  | 'no 2-MByte pages'
  | 'no 1-GByte pages'
  | 'no PSE-36';

export interface ReservedRule {
  /** What is reserved, for messages: `PS in a PML4E`. */
  readonly name: string;
  readonly levels: readonly number[];
  readonly entries: EntryUse;
  readonly bits: readonly [high: number, low: number];
  readonly when: ReservedWhen;
  /** Which address bit the lowest of `bits` is; left out where address bits stand in their own places. */
  readonly addressBit?: number;
}

/** A combination within the low six bits that no present entry may have. */
export interface IllegalRule {
  readonly name: string;
  readonly entries: EntryUse;
  readonly mask: number;
  readonly value: number;
  /** The rule holds only on a processor without this feature. */
  readonly unless?: 'execute-only';
}

/** How a field's value is printed. */
export type FieldPrinting = 'flag' | 'frame' | 'memory type' | 'number';

/** One flag or field of an entry, for the one decoder (`decodeEntry`). */
export interface FormatField {
  /** The manual's name. */
  readonly name: string;
  readonly levels: readonly number[];
  readonly entries: EntryUse;
  readonly bits: readonly [high: number, low: number];
  readonly print: FieldPrinting;
  /** Without this the field is ignored, and not told. */
  readonly needs?: FormatNeed;
  /** What it means when set, and when clear; of a field that is no flag, what it holds. */
  readonly set: string;
  readonly clear: string;
}

/**
 * A paging-structure format as a value. Levels count from 1 (the entries that map 4-KByte pages) up.
 * Bits count over the whole entry from 0. The walk knows none of these numbers by itself.
 */
export interface PagingFormat {
  readonly name: string;
  readonly levels: number;
  /** Names of an entry by level; index 0 is unused. */
  readonly levelNames: readonly string[];
  readonly entryBytes: 4 | 8;
  readonly indexBits: number;
  /** Input addresses: sign-extended from the top bit (canonical), or with zeros above it. */
  readonly input: 'canonical' | 'zero-extended';
  /** Bits of an input address; left out where the index bits of all levels and the page offset make it up. */
  readonly inputBits?: number;
  /** Bits of the root register (CR3, EPTP, nCR3) that hold the address of the first table. */
  readonly root: readonly [high: number, low: number];
  /** Level whose entries the processor holds in registers, loaded when CR3 is; a nested dimension reads them from memory. */
  readonly registerLevel?: number;
  /** Levels whose entries do nothing but reference a table: they give no rights and have no accessed flag. */
  readonly pointerLevels?: readonly number[];
  /** An entry is present when one of these low bits is set. */
  readonly presentMask: number;
  /** Low bits that make an entry present as well, while something is on. */
  readonly alsoPresent?: { readonly mask: number; readonly needs: FormatNeed };
  /** The rights, in the order of the bits of a rights integer: three, and a fourth that needs a control. */
  readonly rights: readonly [RightBit, RightBit, RightBit, ...RightBit[]];
  /** A bit of an entry that keeps its refusal from becoming a virtualization exception, if the format has one. */
  readonly suppressBit?: number;
  /** How a refused walk is told. */
  readonly refusal: 'page fault' | 'EPT' | 'nested page fault';
  /** Levels above 1 whose entry maps a page when `leafBit` is set. */
  readonly leafLevels: readonly number[];
  readonly leafBit: number;
  /** What must be on for `leafBit` to mean anything; without it the bit is ignored. */
  readonly leafNeeds?: FormatNeed;
  /** Bits that hold the physical address. */
  readonly frame: readonly [high: number, low: number];
  /** Bits of a large page's entry that hold address bits 32 and up, below those in `frame`. */
  readonly highFrame?: { readonly level: number; readonly bits: readonly [high: number, low: number] };
  readonly accessedBit: number;
  readonly dirtyBit: number;
  /** Leaf bit for global pages, if the format has one. */
  readonly globalBit?: number;
  /** Protection key of a leaf, if the format has one: its lowest bit. */
  readonly keyBit?: number;
  readonly reservedRules: readonly ReservedRule[];
  readonly illegalRules: readonly IllegalRule[];
  readonly fields: readonly FormatField[];
}

/** Does a row about `use` at `levels` speak of this entry? */
export function rowApplies(
  row: { readonly levels: readonly number[]; readonly entries: EntryUse }, level: number, use: 'leaf' | 'table',
): boolean {
  return row.levels.includes(level) && (row.entries === 'any' || row.entries === use);
}
