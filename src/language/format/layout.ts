import { braceGroups, type BraceGroup, type BraceGroups } from './braceGroups';
import { Columns } from './columns';
import type { FormatItem } from './formatItem';
import { blanksBetween } from './spacing';

const INDENT = 2;

/** What stands before an item: `lines` line ends (0: it goes on in the line), then `blanks`. */
export interface Gap {
  readonly lines: number;
  blanks: number;
}

/** The gap before each item of a text that parses. `sourceIndent`: blanks that a line of the text starts with. */
export function layOut(items: readonly FormatItem[], sourceIndent: (line: number) => number): readonly Gap[] {
  const groups = braceGroups(items);
  const columns = new Columns(items);
  const gaps: Gap[] = [];
  const inside: BraceGroup[] = [];
  /** Where the statement began that a line may go on with: its indentation, and what it was in the text. */
  let start = { indent: 0, sourceIndent: 0 };
  items.forEach((item, i) => {
    const before = items[i - 1];
    const group = groups.get(i);
    const innermost = inside[inside.length - 1];
    if (group?.close === i) inside.pop();
    const breaks = lineBreak(items, i, groups, innermost);
    const depth = inside.filter((each) => each.layout === 'lines').length;
    if (breaks === 'none' && before !== undefined) {
      gaps.push({ lines: 0, blanks: blanks(before, item, columns) });
    } else if (breaks === 'continues') {
      const least = item.image === ')' || item.image === ']' ? 0 : INDENT;
      gaps.push({ lines: 1, blanks: start.indent + Math.max(least, item.column - start.sourceIndent) });
    } else {
      const lines = before === undefined ? 0 : 1 + emptyLine(items, i, inside[inside.length - 1], group);
      gaps.push({ lines, blanks: depth * INDENT });
      if (item.kind !== 'comment') start = { indent: depth * INDENT, sourceIndent: sourceIndent(item.line) };
    }
    if (group?.open === i) inside.push(group);
  });
  placeComments(items, gaps, sourceIndent);
  return gaps;
}

/** Whether an item starts a line, as a statement or by going on with the one before. `innermost`: the braces around what is before it. */
function lineBreak(
  items: readonly FormatItem[], i: number, groups: BraceGroups, innermost: BraceGroup | undefined,
): 'starts' | 'continues' | 'none' {
  const item = items[i];
  const before = items[i - 1];
  if (item === undefined || before === undefined) return 'starts';
  const isNewLine = before.line !== item.line;
  if (item.kind === 'comment') return isNewLine ? 'starts' : 'none';
  const group = groups.get(i);
  if (group?.close === i && group.layout === 'lines') return 'starts';
  if (before.kind === 'comment') return item.startsStatement || groups.get(i - 1) !== undefined ? 'starts' : afterComment(items, i, groups, innermost);
  if (item.startsStatement) return 'starts';
  const opened = groups.get(i - 1);
  if (opened?.open === i - 1) return opened.layout === 'lines' ? 'starts' : 'none';
  if (!isNewLine || (item.image === 'else' && before.image === '}') || group?.close === i) return 'none';
  return startsListItem(before, innermost) ? 'starts' : 'continues';
}

/** What stands behind a comment starts a line; it goes on with a statement unless a brace or a list was open before. */
function afterComment(
  items: readonly FormatItem[], i: number, groups: BraceGroups, innermost: BraceGroup | undefined,
): 'starts' | 'continues' {
  let code = i - 1;
  while (items[code]?.kind === 'comment') code--;
  const last = items[code];
  if (last === undefined || groups.get(code)?.open === code || items[i]?.image === 'else') return 'starts';
  return startsListItem(last, innermost) ? 'starts' : 'continues';
}

/** Settings and ranges parted by commas may stand on lines of their own; a comma anywhere else goes on with its statement. */
function startsListItem(before: FormatItem, group: BraceGroup | undefined): boolean {
  return before.image === ',' && group !== undefined && before.context === group.context;
}

function blanks(before: FormatItem, item: FormatItem, columns: Columns): number {
  const wanted = blanksBetween(before, item);
  const written = item.line === before.line ? item.start - before.end : 0;
  if (wanted === 0 || written <= 1 || item.kind === 'comment') return wanted;
  // `0x600000 .. 0x601000  rw user`: the range and its words are two columns.
  if (item.context === 'AreaWord' && before.context === 'AreaLine') return columns.isAligned(item) ? written : 2;
  return columns.isAligned(item) ? written : wanted;
}

/** At most one empty line, and none right inside a brace. */
function emptyLine(items: readonly FormatItem[], i: number, outer: BraceGroup | undefined, group: BraceGroup | undefined): 0 | 1 {
  const item = items[i];
  const before = items[i - 1];
  if (item === undefined || before === undefined || item.line - before.line < 2) return 0;
  return outer?.open === i - 1 || group?.close === i ? 0 : 1;
}

/**
 * Comments behind code keep their column, and move along with their line's indentation; where the code has become
 * too long for it, all comments of the run that stood in that column move together.
 */
function placeComments(items: readonly FormatItem[], gaps: readonly Gap[], sourceIndent: (line: number) => number): void {
  let run: { readonly gap: Gap; readonly width: number; readonly column: number; readonly line: number }[] = [];
  const finish = (): void => {
    const column = Math.max(...run.map((each) => Math.max(each.column, each.width + 1)));
    for (const each of run) each.gap.blanks = column - each.width;
    run = [];
  };
  let width = 0;
  let shift = 0;
  items.forEach((item, i) => {
    const gap = gaps[i];
    if (gap === undefined) return;
    const startsLine = gap.lines > 0 || i === 0;
    if (startsLine) {
      width = gap.blanks;
      const startsSourceLine = items[i - 1]?.line !== item.line;
      shift = startsSourceLine ? gap.blanks - sourceIndent(item.line) : -Infinity;
    } else if (item.kind === 'comment') {
      const last = run[run.length - 1];
      const column = item.column + shift;
      if (last !== undefined && (last.line + 1 !== item.line || last.column !== column)) finish();
      run.push({ gap, width, column, line: item.line });
    } else {
      width += gap.blanks;
    }
    width += item.image.length;
  });
  if (run.length > 0) finish();
}
