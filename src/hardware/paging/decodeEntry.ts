import { brokenIllegalRule, brokenReservedRule, type CompiledFormat, isMet, rightsOf } from './compiledFormat';
import { type FormatField, rowApplies } from './pagingFormat';

/** SDM Vol. 3, "Memory Cache Types and Properties"; 2, 3 and 7 are no types. */
const memoryTypeNames = ['UC', 'WC', 'reserved', 'reserved', 'WT', 'WP', 'WB', 'reserved'] as const;

/** One flag or field of an entry, read. */
export interface DecodedField {
  readonly name: string;
  readonly bits: readonly [high: number, low: number];
  readonly value: bigint;
  /** `1`, `0`, `WB`, `gpa:0x5000`. */
  readonly text: string;
  readonly meaning: string;
}

export interface DecodedEntry {
  /** `PDE`, `EPT PTE`. */
  readonly name: string;
  readonly present: boolean;
  /** It maps a page of `size` bytes; else it references a table. */
  readonly leaf: boolean;
  /** Bytes that the entry translates. */
  readonly size: bigint;
  /** Where it leads: address of the table or page. */
  readonly frame: bigint;
  /** Rights that it gives, in the order and by the names of the format. */
  readonly rights: readonly { readonly name: string; readonly given: boolean }[];
  /** In the order of the format: validity, rights, A/D, type, frame. An entry that is not present has what says so, and SVE where it is 1. */
  readonly fields: readonly DecodedField[];
  /** What a walk refuses in it besides absence: a reserved bit, an illegal combination. */
  readonly fault: string | undefined;
}

/**
 * The one decoder: an entry of `level` by its format. `frameSpace`: which space the addresses in it are of (`gpa` for a
 * guest's own tables, `hpa` for shadow and nested ones).
 */
export function decodeEntry(
  compiled: CompiledFormat, level: number, lo: number, hi: number, frameSpace: 'gpa' | 'hpa',
): DecodedEntry {
  const { format } = compiled;
  const entry = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
  const present = (lo & compiled.presentMask) !== 0;
  const leaf = level === 1 || (lo & (compiled.leafMask[level] ?? 0)) !== 0;
  const use = leaf ? 'leaf' : 'table';
  const rows = format.fields.filter((field) => isMet(field.needs, compiled.features) && (present
    ? rowApplies(field, level, use)
    : rowApplies(field, level, use) && saysPresent(field, compiled.presentMask) || suppresses(compiled, field, hi)));
  const frameRow = format.fields.find((field) => field.print === 'frame' && rowApplies(field, level, use));
  const frame = frameRow === undefined ? 0n : (entry & mask(frameRow.bits)) | highFrame(compiled, level, leaf, lo);
  const fields = rows.map((field) => decodeField(field, entry, `${frameSpace}:0x${frame.toString(16)}`));
  const shift = compiled.shifts[level] ?? 12;
  const isPointer = format.pointerLevels?.includes(level) === true;
  return {
    name: format.levelNames[level] ?? `level ${level}`,
    present,
    leaf,
    size: 1n << BigInt(shift),
    frame,
    rights: rightsOf(compiled).map(({ name, bit, givenBy }) => (
      { name, given: isPointer || Number((entry >> BigInt(bit)) & 1n) === givenBy })),
    fields,
    fault: present ? faultOf(compiled, level, leaf ? 1 : 0, lo, hi) : undefined,
  };
}

/** Address bits that a large page's entry holds below the others. */
function highFrame(compiled: CompiledFormat, level: number, leaf: boolean, lo: number): bigint {
  const bits = leaf ? (lo >>> compiled.highFrameShift) & (compiled.highFrameMask[level] ?? 0) : 0;
  return BigInt(bits) << 32n;
}

/** `frame`: where the entry leads, for print. */
function decodeField(field: FormatField, entry: bigint, frame: string): DecodedField {
  const { name, bits } = field;
  const value = (entry & mask(bits)) >> BigInt(bits[1]);
  const meaning = value === 0n ? field.clear : field.set;
  switch (field.print) {
    case 'flag': return { name, bits, value, text: value.toString(), meaning };
    case 'number': return { name, bits, value, text: value.toString(), meaning };
    case 'memory type': return { name, bits, value, text: memoryTypeNames[Number(value)] ?? 'reserved', meaning };
    case 'frame': return { name, bits, value, text: frame, meaning };
  }
}

function faultOf(compiled: CompiledFormat, level: number, leaf: 0 | 1, lo: number, hi: number): string | undefined {
  const illegal = compiled.format.illegalRules[brokenIllegalRule(compiled, leaf, lo)];
  if (illegal !== undefined) return `illegal: ${illegal.name}`;
  const reserved = compiled.format.reservedRules[brokenReservedRule(compiled, level, leaf, lo, hi)];
  return reserved === undefined ? undefined : `reserved: ${reserved.name}`;
}

/** Of an entry that is not present this bit alone is not ignored: SDM Vol. 3, "Convertible EPT Violations". */
function suppresses({ format }: CompiledFormat, field: FormatField, hi: number): boolean {
  return field.bits[0] === format.suppressBit && (hi & (1 << (format.suppressBit & 31))) !== 0;
}

function saysPresent(field: FormatField, presentMask: number): boolean {
  return field.bits[0] < 32 && (presentMask & (1 << field.bits[1])) !== 0;
}

function mask([high, low]: readonly [number, number]): bigint {
  return ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
}
