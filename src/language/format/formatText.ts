import type { SyntaxProblem } from '../syntax/braces';
import { parseFile } from '../syntax/parse';
import { formatItems } from './formatItem';
import { layOut, type Gap } from './layout';

/** Replaces the characters from `start` up to `end` (UTF-16 offsets into the text) with `newText`. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly newText: string;
}

export type FormatResult =
  | { readonly text: string; readonly edits: readonly TextEdit[] }
  /** The text does not parse, and what is not understood is left as it is. */
  | { readonly problems: readonly SyntaxProblem[] };

const BYTE_ORDER_MARK = '\uFEFF';
/** Padding that lost its neighbour's column goes in the next round; each round takes some away. */
const MOST_ROUNDS = 12;

/**
 * Lays a scenario out: two blanks a brace, one statement a line, one blank between words. Comments stay, and so do the
 * columns that neighbouring lines share. Nothing but blanks, line ends and `;` changes; formatting twice changes nothing.
 */
export function formatText(text: string): FormatResult {
  const first = formatOnce(text);
  // What is laid out already stays so in every round.
  if ('problems' in first || first.text === text) return first;
  let { text: formatted } = first;
  for (let round = 1; round < MOST_ROUNDS; round++) {
    const next = formatOnce(formatted);
    if ('problems' in next || next.text === formatted) break;
    formatted = next.text;
  }
  return { text: formatted, edits: formatted === first.text ? first.edits : editsBetween(text, formatted) };
}

function formatOnce(text: string): FormatResult {
  const offset = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  const body = text.slice(offset);
  const { file, problems } = parseFile(body);
  if (problems.length > 0) return { problems };
  const items = formatItems(file, body);
  if (items.length === 0) return { text, edits: [] };
  const indents = sourceIndents(body);
  const gaps = layOut(items, (line) => indents[line] ?? 0);
  return applied(text, offset, items, gaps);
}

function applied(
  text: string, offset: number, items: readonly { readonly image: string; readonly start: number; readonly end: number }[], gaps: readonly Gap[],
): { readonly text: string; readonly edits: readonly TextEdit[] } {
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const edits: TextEdit[] = [];
  let result = text.slice(0, offset);
  let at = offset;
  const put = (end: number, gap: string): void => {
    if (text.slice(at, end) !== gap) edits.push({ start: at, end, newText: gap });
    result += gap;
  };
  items.forEach((item, i) => {
    const gap = gaps[i];
    put(item.start + offset, lineEnd.repeat(gap?.lines ?? 0) + ' '.repeat(gap?.blanks ?? 0));
    result += item.image;
    at = item.end + offset;
  });
  put(text.length, lineEnd);
  return { text: result, edits };
}

/** Edits of the gaps: both texts have the same words in the same order. */
function editsBetween(text: string, formatted: string): readonly TextEdit[] {
  const before = wordsOf(text);
  const after = wordsOf(formatted);
  const edits: TextEdit[] = [];
  let from = 0;
  let to = 0;
  for (let i = 0; i <= before.length; i++) {
    const start = before[i]?.start ?? text.length;
    const newText = formatted.slice(to, after[i]?.start ?? formatted.length);
    if (text.slice(from, start) !== newText) edits.push({ start: from, end: start, newText });
    from = before[i]?.end ?? text.length;
    to = after[i]?.end ?? formatted.length;
  }
  return edits;
}

function wordsOf(text: string): readonly { readonly start: number; readonly end: number }[] {
  const offset = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  const body = text.slice(offset);
  return [...(offset === 0 ? [] : [{ start: 0, end: 1 }]), ...formatItems(parseFile(body).file, body)
    .map(({ start, end }) => ({ start: start + offset, end: end + offset }))];
}

function sourceIndents(text: string): readonly number[] {
  return text.split('\n').map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
}
