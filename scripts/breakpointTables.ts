import { dataModes, exceptionModes } from '../src/adapter/breakpoints/breakpointModes';
import { exceptionFilters } from '../src/adapter/breakpoints/exceptionFilters';

/** Generated tables of `docs/breakpoints.md`, by the name in their marker. */
export const breakpointTables: Readonly<Record<string, () => string>> = {
  filters: () => rows(
    ['id', 'stops at', 'a condition', '`after` is', 'never under'],
    exceptionFilters.map(({ id, label, description, example, after, neverUnder, isDefault }) => [
      `\`${id}\``, `**${label}**: ${description}${isDefault ? ' On by default.' : ''}`, `\`${example}\``,
      after.kind === 'never' ? 'there is none' : after.text, neverUnder.join(', '),
    ]),
  ),
  'exception modes': () => modes(exceptionModes),
  'data modes': () => modes(dataModes),
};

/** The page with what stands between its markers written anew: `<!-- table NAME -->` to `<!-- end -->`. */
export function breakpointsPage(page: string): string {
  return page.replace(/(<!-- table ([\w ]+) -->\n)[\s\S]*?(<!-- end -->)/g, (_, open: string, name: string, close: string) => {
    const write = breakpointTables[name];
    if (write === undefined) throw new Error(`docs/breakpoints.md asks for a table ${name}; there are ${Object.keys(breakpointTables).join(', ')}.`);
    return `${open}\n${write()}\n\n${close}`;
  });
}

function modes(all: readonly { readonly id: string; readonly label: string; readonly description: string }[]): string {
  return rows(['mode', 'in the editor', 'means'], all.map(({ id, label, description }) => [`\`${id}\``, label, description]));
}

function rows(heads: readonly string[], all: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...all.map(line)].join('\n');
}
