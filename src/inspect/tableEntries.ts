import type { CompiledFormat } from '../hardware/paging/compiledFormat';
import type { PhysicalMemory } from '../hardware/memory/physicalMemory';
import { pageHi, pageLo } from '../hypervisor/memslots';
import { frameOfHalves } from './addressText';

/** Words per entry: index, low and high half. */
export const ENTRY_WORDS = 3;

/**
 * The entries of a table that are not zero, by ascending index: (index, low, high) each. `frame` is
 * the host frame that the table lies in, -1 when nothing backs it: such a table reads as zeros.
 */
export function tableEntries(memory: PhysicalMemory, compiled: CompiledFormat, frame: number): Int32Array {
  if (frame < 0) return new Int32Array(0);
  const found: number[] = [];
  const hi = pageHi(frame);
  for (let index = 0; index <= compiled.indexMask; index++) {
    const at = pageLo(frame) | (index << compiled.entryShift);
    const entryLo = memory.load32(at, hi);
    const entryHi = compiled.wide === 0 ? 0 : memory.load32(at | 4, hi);
    if ((entryLo | entryHi) !== 0) found.push(index, entryLo, entryHi);
  }
  return Int32Array.from(found);
}

/** Place of entry `index` in what `tableEntries` gave, or -1: it is zero. */
export function entryAt(entries: Int32Array, index: number): number {
  for (let at = 0; at < entries.length; at += ENTRY_WORDS) if (entries[at] === index) return at;
  return -1;
}

/** True when the entry of `level` references another table. */
export function leadsToTable(compiled: CompiledFormat, level: number, lo: number): boolean {
  return level > 1 && (lo & compiled.presentMask) !== 0 && (lo & compiled.leafMask[level]!) === 0;
}

/** Frame number of the table that such an entry references. */
export function tableReferenced(compiled: CompiledFormat, lo: number, hi: number): number {
  return frameOfHalves(lo & compiled.frameLo, hi & compiled.frameHi);
}
