import { longModeFormat } from './longMode';

/** 4-level paging: CR0.PG = 1, CR4.PAE = 1, EFER.LME = 1, CR4.LA57 = 0. */
export const LONG4 = longModeFormat('4-level', 4);
