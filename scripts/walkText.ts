import { compileFormat, type CompiledFormat, type FormatFeatures } from '../src/hardware/paging/compiledFormat';
import type { PagingFormat } from '../src/hardware/paging/pagingFormat';

/*
 * What the texts of generated walks are made of: each function writes one rule of walk.ts for one level of a format, with
 * what the format's record says put in as numbers. What depends on the processor besides (reserved bits, illegal
 * combinations, permissions) stays a look-up in the compiled record. Nothing here knows a rule that walk.ts does not.
 */
export const FEATURES: FormatFeatures = { maxphyaddr: 52, noExecute: 'on', executeOnly: 'on', largePages: 'on' };

export interface Dimension {
  /** Of the functions: `walkLong4`. */
  readonly name: string;
  readonly format: PagingFormat;
}

export const hex = (mask: number): string => `0x${(mask >>> 0).toString(16)}`;
/** An int32 mask as TypeScript: those with bit 31 would not be int32 in hexadecimal. */
export const int = (mask: number): string => (mask < 0 ? `~${hex(~mask)}` : hex(mask));
const bitAt = (mask: number): number => 31 - Math.clz32(mask);

/** From the top down. */
export function levelsOf(compiled: CompiledFormat): number[] {
  return Array.from({ length: compiled.levels }, (_, index) => compiled.levels - index);
}

/** The address's index at a level, already shifted by `entryShift - down`. */
export function indexField(compiled: CompiledFormat, level: number, down = 0): string {
  const shift = compiled.shifts[level]!;
  const mask = (compiled.indexMask << compiled.entryShift) >>> down;
  const by = shift - compiled.entryShift + down;
  const field = shift >= 32 ? `hi >>> ${by - 32}`
    : shift + 9 > 32 ? `lo >>> ${by} | hi << ${32 - by}` : `lo >>> ${by}`;
  return `(${field}) & ${hex(mask)}`;
}

/** May an entry of the level map a page? */
export const mayBeLeaf = (compiled: CompiledFormat, level: number): boolean => level > 1 && compiled.leafMask[level] !== 0;
export const hasIllegal = (compiled: CompiledFormat): boolean => compiled.illegal.some((illegal) => illegal !== 0)
  || compileFormat(compiled.format, { ...compiled.features, executeOnly: 'off' }).illegal.some((illegal) => illegal !== 0);

/** Rights out of entries' halves (or the AND of them), the high one flipped where `flipped` says so. */
export function rightsOf(compiled: CompiledFormat, lo: string, hi: string): string {
  const parts = [`${lo} >>> ${compiled.rightsLoShift} & ${compiled.rightsLoMask}`];
  if (compiled.rightsFarMask !== 0) parts.push(`${lo} >>> ${compiled.rightsFarShift} & ${compiled.rightsFarMask}`);
  if (compiled.rightsHiMask !== 0) parts.push(`${hi} >>> ${compiled.rightsHiShift} & ${compiled.rightsHiMask}`);
  return parts.join(' | ');
}

/** An entry's high half with the bits turned over that give a right when they are clear. */
export const flipped = (compiled: CompiledFormat, hi: string): string => (
  compiled.rightsHiFlip === 0 ? hi : `${hi} ^ ${int(compiled.rightsHiFlip)}`);
export const hasHighRights = (compiled: CompiledFormat): boolean => compiled.rightsHiMask !== 0;

export const isAbsent = (compiled: CompiledFormat, lo: string): string => `(${lo} & ${hex(compiled.presentMask)}) === 0`;
export const isLeaf = (compiled: CompiledFormat, level: number, lo: string): string => `(${lo} & ${hex(compiled.leafMask[level]!)}) !== 0`;

/** Checks of an entry that was read: what is done in each case is the caller's text. */
export function checks(compiled: CompiledFormat, level: number, leaf: 0 | 1, lo: string, hi: string, on: (why: string) => string): string[] {
  const use = (level << 1) | leaf;
  const lines = [];
  if (hasIllegal(compiled)) lines.push(`if (illegal[${leaf << 6} | ${lo} & 63] !== 0) ${on('illegal')}`);
  lines.push(`if ((${lo} & reservedLo[${use}]! | ${hi} & reservedHi[${use}]!) !== 0) ${on('reserved')}`);
  return lines;
}

export const isAccessed = (compiled: CompiledFormat, lo: string): string => `(${lo} & ${hex(compiled.accessedMask)}) !== 0`;
export const isDirty = (compiled: CompiledFormat, lo: string): string => `(${lo} & ${hex(compiled.dirtyMask)}) !== 0`;
export const dirtyOf = (compiled: CompiledFormat, lo: string): string => `${lo} >>> ${bitAt(compiled.dirtyMask)} & 1`;
export const globalOf = (compiled: CompiledFormat, lo: string): string => (
  compiled.globalMask === 0 ? '0' : `${lo} >>> ${bitAt(compiled.globalMask)} & 1`);
export const keyOf = (compiled: CompiledFormat, hi: string): string => `${hi} >>> ${compiled.keyShift} & ${compiled.keyMask}`;

/** Halves of the address that a leaf of a level gives. */
export const pageLo = (compiled: CompiledFormat, level: number, lo: string): string => {
  const offset = (1 << compiled.shifts[level]!) - 1;
  return `${lo} & ${int(compiled.frameLo & ~offset)} | lo & ${hex(offset)}`;
};
export const frameHi = (compiled: CompiledFormat, hi: string): string => `${hi} & ${int(compiled.frameHi)}`;
export const frameLo = (compiled: CompiledFormat, lo: string): string => `${lo} & ${int(compiled.frameLo)}`;

/** The prelude that all walks have: what `walk` leaves in the result before it reads anything. */
export function header(compiled: CompiledFormat): string[] {
  return [
    'result.addressLo = lo;', 'result.addressHi = hi;', 'result.access = access;', 'result.why = WHY.none;',
    'result.rule = -1;', 'result.errorCode = 0;', 'result.qualification = 0;', `result.top = ${compiled.levels};`,
    'result.nestedRights = ALL_RIGHTS;',
  ];
}

export const tablesOf = (compiled: CompiledFormat): string => (
  `const { reservedLo, reservedHi${hasIllegal(compiled) ? ', illegal' : ''} } = compiled;`);

/** Access of the nested walk for the final address. The two bits are one place apart: PAGE_RIGHTS.user and ACCESS.user. */
export const FINAL_ACCESS = 'access & ACCESS_KIND_MASK | nested.finalAccess | rights << 1 & nested.userAddressMask';

export const indented = (lines: readonly string[]): string[] => lines.map((line) => (line === '' ? '' : `  ${line}`));

export function func(comment: string, signature: string, body: readonly string[]): string {
  return [`/** ${comment} */`, signature, ...indented(body), '}', ''].join('\n');
}
