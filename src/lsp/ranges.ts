import type { Position, Range, TextEdit as LspEdit } from 'vscode-languageserver';
import { offsetOf, placeOfOffset } from '../language/editor/places';
import type { TextEdit } from '../language/format/formatText';

/** A text that offsets count in. */
export interface Measured {
  readonly text: string;
  readonly lineStarts: readonly number[];
}

export function measured(text: string): Measured {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { text, lineStarts };
}

export function offsetAt(source: Measured, { line, character }: Position): number {
  return offsetOf(source, line, character);
}

export function positionAt(source: Measured, offset: number): Position {
  const { line, column } = placeOfOffset(source, offset);
  return { line, character: column };
}

export function rangeBetween(source: Measured, start: number, end: number): Range {
  return { start: positionAt(source, start), end: positionAt(source, end) };
}

export function lspEdits(source: Measured, edits: readonly TextEdit[]): LspEdit[] {
  return edits.map(({ start, end, newText }) => ({ range: rangeBetween(source, start, end), newText }));
}
