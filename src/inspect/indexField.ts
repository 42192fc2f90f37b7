import type { CompiledFormat } from '../hardware/paging/compiledFormat';

/** Index of the entry of `level` that translates address (lo, hi). */
export function indexFieldOf(compiled: CompiledFormat, level: number, lo: number, hi: number): number {
  const shift = compiled.shifts[level]!;
  const field = shift < 32 ? (lo >>> shift) | (shift === 0 ? 0 : hi << (32 - shift)) : hi >>> (shift - 32);
  return field & compiled.indexMask;
}
