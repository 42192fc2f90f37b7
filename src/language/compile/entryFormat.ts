import { LEGACY32 } from '../../hardware/paging/formats/legacy32';
import { LONG4 } from '../../hardware/paging/formats/long4';
import { LONG5 } from '../../hardware/paging/formats/long5';
import { PAE } from '../../hardware/paging/formats/pae';
import type { FormatField, PagingFormat } from '../../hardware/paging/pagingFormat';

/**
 * What a paging mode's entries are to the language: names of bits, rights and words as values, and the constructors.
 * All of it is taken from hardware's table of the format: there is one list of bit positions.
 */
export interface EntryFormat {
  readonly format: PagingFormat;
  /** As messages name the mode: `4-level`. */
  readonly mode: string;
  /** Mask of each one-bit field by the manual's name: `P`, `RW`, `US`, `XD` … PAT is that of a PTE. */
  readonly bits: ReadonlyMap<string, bigint>;
  /** Bits that hold the page frame's or table's guest-physical address. */
  readonly frameMask: bigint;
  /** Rights are values: the bits that give them. Without `x` the format's XD is set, if it has one. */
  readonly rights: ReadonlyMap<string, bigint>;
  /** Words that a constructor takes after the rights; they are values too. */
  readonly words: ReadonlyMap<string, bigint>;
  /** Entry constructors and the paging-structure level they make an entry for, 1 being the PTE. */
  readonly constructors: ReadonlyMap<string, number>;
  /** Levels whose entry may map a large page. */
  readonly largePageLevels: readonly number[];
  /** Lowest bit of the protection key, if there is one. */
  readonly keyShift: number | undefined;
  readonly entryBytes: 4 | 8;
}

export function maskBetween(high: number, low: number): bigint {
  return ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
}

function made(format: PagingFormat): EntryFormat {
  const flags = format.fields.filter((field: FormatField) => field.print === 'flag');
  const bits = new Map([...flags].reverse().map((field) => [field.name, maskBetween(field.bits[0], field.bits[1])]));
  const bit = (name: string): bigint => bits.get(name) ?? 0n;
  return {
    format,
    mode: format.name,
    bits,
    frameMask: maskBetween(format.frame[0], format.frame[1]),
    rights: new Map([
      ['ro', bit('P') | bit('XD')],
      ['rw', bit('P') | bit('RW') | bit('XD')],
      ['rx', bit('P')],
      ['rwx', bit('P') | bit('RW')],
    ]),
    words: new Map([
      ['user', bit('US')],
      ['accessed', bit('A')],
      ['dirty', bit('D')],
      ['global', bit('G')],
      ['large', bit('PS')],
      ['uncached', bit('PCD') | bit('PWT')],
    ]),
    constructors: new Map(format.levelNames.flatMap((name, level) => (level === 0 ? [] : [[name.toLowerCase(), level] as const]))),
    largePageLevels: format.leafLevels,
    keyShift: format.fields.find((field) => field.name === 'key')?.bits[1],
    entryBytes: format.entryBytes,
  };
}

const known: ReadonlyMap<PagingFormat, EntryFormat> = new Map([LEGACY32, PAE, LONG4, LONG5].map((format) => [format, made(format)]));

/** The language's view of a paging format. */
export function entryFormatOf(format: PagingFormat): EntryFormat {
  return known.get(format) ?? made(format);
}

/** Formats by the word before a constructor: `pae.pte(…)` is a PAE entry in every mode. */
export const namedFormats: ReadonlyMap<string, EntryFormat> = new Map([
  ['long', entryFormatOf(LONG5)], ['pae', entryFormatOf(PAE)], ['legacy', entryFormatOf(LEGACY32)],
]);

/** Every paging mode's names, for colours, completion and messages; a mode of its own may lack some. */
const all = [LONG4, LONG5, PAE, LEGACY32].map(entryFormatOf);
const { bits, rights, words } = entryFormatOf(LONG4);
export const entryBits = bits;
export const rightsWords = rights;
export const entryWords = words;
export const entryConstructors: ReadonlyMap<string, number> = new Map(all.flatMap(({ constructors }) => [...constructors]));

/** Bytes that an entry of `level` maps. */
export function pageBytes({ format }: EntryFormat, level: number): bigint {
  return 1n << BigInt(12 + format.indexBits * (level - 1));
}
