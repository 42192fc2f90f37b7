import { languageTables } from './languageTables';
import { withTables } from './markedTables';

/** The page with its generated tables written anew. */
export function languagePage(page: string): string {
  return withTables(page, 'docs/language.md', languageTables);
}
