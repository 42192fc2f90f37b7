import type { TranslationSpace } from './translationSpace';

/**
 * What a space's walks may take from earlier ones, and leave to later ones. A space without it reads every entry; so do
 * walks without effects. SDM Vol. 3, "Paging-Structure Caches".
 */
export interface WalkCache {
  /** The table that `start` found, as the entry above has it and host-physical, and the AND of the rights above. */
  tableLo: number;
  tableHi: number;
  hpaLo: number;
  hpaHi: number;
  rights: number;
  /**
   * 1: `space.result` holds the whole translation of an address that a nested walk is asked for, and it allows the
   * access.
   */
  answer(space: TranslationSpace, lo: number, hi: number, access: number): number;
  /** Level of the first entry that must be read; 0: from the root. */
  start(space: TranslationSpace, lo: number, hi: number): number;
  /** Takes what a walk that ended mapped, and has set all accessed flags, left in `space.result`. */
  fill(space: TranslationSpace): void;
  /** The two halves of `fill`: the tables that the walk went down, and the page of a nested walk. */
  fillStructures(space: TranslationSpace): void;
  fillPage(space: TranslationSpace): void;
}
