import { ACCESS } from '../../src/hardware/paging/accessKinds';
import type { Processor } from '../../src/hardware/processor/processor';
import { walk } from '../../src/hardware/paging/walk';
import { EFFECTS } from '../../src/hardware/paging/walkOutcome';
import { REGION } from './benchMachine';

/*
 * The kernel's loop in JavaScript: the same generator, the same pages in the same order. `shift` leaves 6 bits of the
 * generator for 64 pages or 18 for 262144. Each comes back with the sum of what it found, which keeps it from being
 * optimized away and says whether two of them did the same work.
 */
export const SHIFT_64_PAGES = 26;
export const SHIFT_ALL_PAGES = 14;
const SEED = 12345;

export function emptyLoop(iterations: number, shift: number): number {
  let x = SEED;
  let sum = 0;
  for (let i = 0; i < iterations; i++) {
    x = Math.imul(x, 1664525) + 1013904223 | 0;
    sum = sum + (REGION | ((x >>> shift) << 12)) | 0;
  }
  return sum;
}

export function loadLoop(processor: Processor, iterations: number, shift: number): number {
  let x = SEED;
  let sum = 0;
  for (let i = 0; i < iterations; i++) {
    x = Math.imul(x, 1664525) + 1013904223 | 0;
    processor.load(REGION | ((x >>> shift) << 12), 0, 1);
    sum = sum + processor.valueLo | 0;
  }
  return sum;
}

export function walkLoop(processor: Processor, iterations: number, shift: number): number {
  let x = SEED;
  let sum = 0;
  const { space } = processor;
  for (let i = 0; i < iterations; i++) {
    x = Math.imul(x, 1664525) + 1013904223 | 0;
    const outcome = walk(space, REGION | ((x >>> shift) << 12), 0, ACCESS.read, EFFECTS.hardware);
    sum = sum + (outcome === 0 ? space.result.hpaLo : outcome) | 0;
  }
  return sum;
}

/** The same, with what earlier walks remembered of the tables made void before each: every entry is read. */
export function wholeWalkLoop(processor: Processor, iterations: number, shift: number): number {
  let x = SEED;
  let sum = 0;
  const { space } = processor;
  // Not for anybody but this loop to set: it is what the first write to an upper entry changes.
  const { arena } = space.memory as unknown as { readonly arena: { watchVersion: number } };
  for (let i = 0; i < iterations; i++) {
    x = Math.imul(x, 1664525) + 1013904223 | 0;
    arena.watchVersion = i;
    const outcome = walk(space, REGION | ((x >>> shift) << 12), 0, ACCESS.read, EFFECTS.hardware);
    sum = sum + (outcome === 0 ? space.result.hpaLo : outcome) | 0;
  }
  return sum;
}
