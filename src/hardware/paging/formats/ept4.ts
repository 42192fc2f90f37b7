import { eptFormat } from './extendedPageTables';

/** EPT with a page-walk length of 4. */
export const EPT4 = eptFormat(4);
