import { languageTables } from './languageTables';

/** The page with what stands between its markers written anew: `<!-- table NAME -->` to `<!-- end -->`. */
export function languagePage(page: string): string {
  return page.replace(/(<!-- table ([\w ]+) -->\n)[\s\S]*?(<!-- end -->)/g, (_, open: string, name: string, close: string) => {
    const write = languageTables[name];
    if (write === undefined) throw new Error(`docs/language.md asks for a table ${name}; there are ${Object.keys(languageTables).join(', ')}.`);
    return `${open}\n${write()}\n\n${close}`;
  });
}
