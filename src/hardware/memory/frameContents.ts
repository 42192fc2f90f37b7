import type { PhysicalMemory } from './physicalMemory';

const FRAME_WORDS = 1024;
const SAMPLED = 16;

/**
 * Whole frames of installed memory, a frame at a time: the arena's words are found once for each. A frame below 0 is one that nothing
 * backs, which reads as zeros. Offsets are of bytes.
 */

/** Where the frame's first word that is not 0 lies, from `offset` on; -1: all are. */
export function nextSetWord(memory: PhysicalMemory, frame: number, offset = 0): number {
  const start = startOf(memory, frame);
  if (start === 0) return -1;
  const { words } = memory;
  for (let i = offset >>> 2; i < FRAME_WORDS; i++) if (words[start + i] !== 0) return i << 2;
  return -1;
}

/** Where the first word lies in which the two frames differ, from `offset` on; -1: they are equal there. */
export function nextDifference(memory: PhysicalMemory, one: number, other: number, offset = 0): number {
  const left = startOf(memory, one);
  const right = startOf(memory, other);
  if (left === 0) return nextSetWord(memory, other, offset);
  if (right === 0) return nextSetWord(memory, one, offset);
  const { words } = memory;
  for (let i = offset >>> 2; i < FRAME_WORDS; i++) if (words[left + i] !== words[right + i]) return i << 2;
  return -1;
}

/** A number that frames of equal contents have in common: 0 for zeros. Made of one word in 64 bytes, so frames may have it in common that differ. */
export function fingerprintOf(memory: PhysicalMemory, frame: number): number {
  const start = startOf(memory, frame);
  if (start === 0) return 0;
  const { words } = memory;
  let sum = 0;
  for (let i = 0; i < FRAME_WORDS; i += SAMPLED) sum = Math.imul(sum, 31) + words[start + i]! | 0;
  return sum;
}

/** Index of the frame's first word, or 0: it has no place yet, and reads as zeros. */
function startOf(memory: PhysicalMemory, frame: number): number {
  return frame < 0 ? 0 : memory.wordAt(frame << 12, frame >>> 20);
}
