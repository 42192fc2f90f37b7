import { eptFormat } from './extendedPageTables';

/** EPT with a page-walk length of 5. */
export const EPT5 = eptFormat(5);
