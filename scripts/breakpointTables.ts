import { dataModes, exceptionModes } from '../src/adapter/breakpoints/breakpointModes';
import { exceptionFilters } from '../src/adapter/breakpoints/exceptionFilters';
import { markdownTable } from './markdownTable';
import { withTables } from './markedTables';

/** Generated tables of `docs/breakpoints.md`, by the name in their marker. */
const breakpointTables: Readonly<Record<string, () => string>> = {
  filters: () => markdownTable(
    ['id', 'stops at', 'a condition', '`after` is', 'never under'],
    exceptionFilters.map(({ id, label, description, example, after, neverUnder, isDefault }) => [
      `\`${id}\``, `**${label}**: ${description}${isDefault ? ' On by default.' : ''}`, `\`${example}\``,
      after.kind === 'never' ? 'there is none' : after.text, neverUnder.join(', '),
    ]),
  ),
  'exception modes': () => modes(exceptionModes),
  'data modes': () => modes(dataModes),
};

/** The page with its generated tables written anew. */
export function breakpointsPage(page: string): string {
  return withTables(page, 'docs/breakpoints.md', breakpointTables);
}

function modes(all: readonly { readonly id: string; readonly label: string; readonly description: string }[]): string {
  return markdownTable(['mode', 'in the editor', 'means'], all.map(({ id, label, description }) => [`\`${id}\``, label, description]));
}
