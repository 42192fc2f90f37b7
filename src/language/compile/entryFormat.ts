import { LONG4 } from '../../hardware/paging/formats/long4';
import type { FormatField } from '../../hardware/paging/pagingFormat';

/**
 * Names of entry bits and rights in the language, taken from hardware's table of the 4-level format: there is one
 * list of bit positions. SDM Vol. 3, "4-Level Paging and 5-Level Paging".
 */
const flags: readonly FormatField[] = LONG4.fields.filter((field) => field.print === 'flag');

function maskBetween(high: number, low: number): bigint {
  return ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
}

/** Mask of each one-bit field by the manual's name: `P`, `RW`, `US`, `XD` … PAT is that of a PTE. */
export const entryBits: ReadonlyMap<string, bigint> = new Map(
  [...flags].reverse().map((field) => [field.name, maskBetween(field.bits[0], field.bits[1])]),
);

/** Bits that hold the page frame's or table's guest-physical address. */
export const frameMask: bigint = maskBetween(LONG4.frame[0], LONG4.frame[1]);

/** Lowest bit of the protection key. */
export const keyShift: number = LONG4.fields.find((field) => field.name === 'key')?.bits[1] ?? 59;

function bit(name: string): bigint {
  const mask = entryBits.get(name);
  if (mask === undefined) throw new Error(`invariant: the 4-level format has no bit ${name}`);
  return mask;
}

/** Rights are values: the bits that give them. Without `x` the format's XD is set. */
export const rightsWords: ReadonlyMap<string, bigint> = new Map([
  ['ro', bit('P') | bit('XD')],
  ['rw', bit('P') | bit('RW') | bit('XD')],
  ['rx', bit('P')],
  ['rwx', bit('P') | bit('RW')],
]);

/** Words that an entry constructor takes after the rights; they are values too. */
export const entryWords: ReadonlyMap<string, bigint> = new Map([
  ['user', bit('US')],
  ['accessed', bit('A')],
  ['dirty', bit('D')],
  ['global', bit('G')],
  ['large', bit('PS')],
  ['uncached', bit('PCD') | bit('PWT')],
]);

/** Entry constructors and the paging-structure level they make an entry for, 1 being the PTE. */
export const entryConstructors: ReadonlyMap<string, number> = new Map(
  LONG4.levelNames.flatMap((name, level) => (level === 0 ? [] : [[name.toLowerCase(), level] as const])),
);

/** Levels whose entry may map a large page. */
export const largePageLevels: readonly number[] = LONG4.leafLevels;
export const entryBytes: number = LONG4.entryBytes;
