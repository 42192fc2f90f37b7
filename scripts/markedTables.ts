/** A page with what stands between its markers written anew: `<!-- table NAME -->` to `<!-- end -->`. */
export function withTables(page: string, file: string, tables: Readonly<Record<string, () => string>>): string {
  return page.replace(/(<!-- table ([\w ]+) -->\n)[\s\S]*?(<!-- end -->)/g, (_, open: string, name: string, close: string) => {
    const write = tables[name];
    if (write === undefined) throw new Error(`${file} asks for a table ${name}; there are ${Object.keys(tables).join(', ')}.`);
    return `${open}\n${write()}\n\n${close}`;
  });
}
