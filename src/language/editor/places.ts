import type { SourceText } from '../syntax/sourceText';

/** A zero-based line and column (UTF-16 units), as LSP counts. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Offset of a place; one behind the end of its line is the end of the line. */
export function offsetOf({ text, lineStarts }: Pick<SourceText, 'text' | 'lineStarts'>, line: number, column: number): number {
  const start = lineStarts[line];
  if (start === undefined) return line < 0 ? 0 : text.length;
  const end = (lineStarts[line + 1] ?? text.length + 1) - 1;
  return Math.min(start + Math.max(0, column), end);
}

/** Place of an offset. */
export function placeOfOffset({ lineStarts }: Pick<SourceText, 'lineStarts'>, offset: number): Place {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low, column: offset - (lineStarts[low] ?? 0) };
}
