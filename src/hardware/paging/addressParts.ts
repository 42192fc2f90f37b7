import type { CompiledFormat } from './compiledFormat';

/** A run of bits of an address that a table index or an offset is taken from. */
export interface AddressPart {
  /** `PML4`, `directory pointer`, `directory`, `table`, `offset`. */
  readonly name: string;
  /** Highest and lowest bit. */
  readonly bits: readonly [number, number];
  readonly value: number;
}

/** SDM Vol. 3, "Linear-Address Translation to a 4-KByte Page using 4-Level Paging", by level. */
const fieldNames = ['', 'table', 'directory', 'directory pointer', 'PML4', 'PML5'] as const;

/**
 * A linear address split as the tables of this format use it: an index for each level down to
 * `leafLevel` (1, or that of the entry that maps a large page), and the offset into the page.
 */
export function addressParts(compiled: CompiledFormat, address: bigint, leafLevel: number): readonly AddressPart[] {
  if (compiled.levels === 0) return [{ name: 'physical address', bits: [31, 0], value: Number(BigInt.asUintN(32, address)) }];
  const part = (name: string, high: number, low: number): AddressPart => (
    { name, bits: [high, low], value: Number(BigInt.asUintN(high - low + 1, address >> BigInt(low))) }
  );
  const parts: AddressPart[] = [];
  const top = (compiled.format.inputBits ?? 64) - 1;
  for (let level = compiled.levels; level >= leafLevel; level--) {
    const low = compiled.shifts[level]!;
    parts.push(part(fieldNames[level] ?? `level ${level}`, Math.min(top, low + compiled.format.indexBits - 1), low));
  }
  parts.push(part('offset', compiled.shifts[leafLevel]! - 1, 0));
  return parts;
}
