import type { TranslationSpace } from './translationSpace';

/**
 * A walk for the address whose low half is `lo` has found its leaf, and rights have refused it all the same: the address that it
 * would have given goes into the result, as guest-physical address.
 */
export function useRefusedLeaf(space: TranslationSpace, lo: number): void {
  const { result, compiled } = space;
  const offset = (1 << compiled.shifts[result.level]!) - 1;
  result.gpaLo = (result.entryLo[result.level]! & compiled.frameLo & ~offset) | (lo & offset);
  result.gpaHi = result.entryHi[result.level]! & compiled.frameHi;
}
