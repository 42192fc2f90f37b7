import { formatText, type TextEdit } from '../format/formatText';

/** Edits that lay the lines out that touch `start` to `end`; none while the text does not parse. */
export function formatRange(text: string, start: number, end: number): readonly TextEdit[] {
  const result = formatText(text);
  if ('problems' in result) return [];
  const from = text.lastIndexOf('\n', start - 1);
  const lineEnd = text.indexOf('\n', end);
  const to = lineEnd < 0 ? text.length : lineEnd;
  return result.edits.filter((edit) => edit.start >= from && edit.end <= to);
}

/**
 * Edits after `typed` was typed and the caret stands at `offset`: a `}` lays out its line, a line end the line above.
 * A line is never split or joined under the hand that types.
 */
export function formatOnType(text: string, offset: number, typed: string): readonly TextEdit[] {
  const at = typed === '\n' ? text.lastIndexOf('\n', offset - 1) : offset;
  if (at < 0) return [];
  const start = text.lastIndexOf('\n', at - 1) + 1;
  return formatRange(text, start, at).filter((edit) => (
    lineEnds(edit.newText) === lineEnds(text.slice(edit.start, edit.end)) && edit.end <= at
  ));
}

function lineEnds(text: string): number {
  return text.split('\n').length - 1;
}
