import type { CompiledFormat } from '../../hardware/paging/compiledFormat';

const PAGE_SHIFT = 12;

/** Bits of an address that tables of this format translate. */
export function inputBits(compiled: CompiledFormat): number {
  return PAGE_SHIFT + compiled.levels * compiled.format.indexBits;
}

/**
 * The address as the processor takes it: where the format's are canonical, the bits above those
 * translated are copies of the highest one. SDM Vol. 1, "Canonical Addressing".
 */
export function canonicalAddress(compiled: CompiledFormat, address: bigint): bigint {
  if (compiled.levels === 0 || compiled.format.input !== 'canonical') return address;
  return BigInt.asUintN(64, BigInt.asIntN(inputBits(compiled), address));
}
