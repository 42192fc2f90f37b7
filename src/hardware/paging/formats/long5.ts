import { longModeFormat } from './longMode';

/** 5-level paging: as 4-level, with CR4.LA57 = 1. */
export const LONG5 = longModeFormat('5-level', 5);
