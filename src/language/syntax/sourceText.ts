import type { AstNode } from 'langium';
import type { SourceRange } from '../program';
import { outermostWord } from './nodes';

/** A file's text with what is needed to say where something stands in it. */
export interface SourceText {
  readonly file: number;
  readonly path: string;
  readonly text: string;
  /** Offset of each line's first character. */
  readonly lineStarts: readonly number[];
}

export function sourceText(file: number, path: string, text: string): SourceText {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { file, path, text, lineStarts };
}

/** Number of the line that an offset lies in, from 0 on. */
export function lineOf(source: SourceText, offset: number): number {
  return positionOf(source, offset).line;
}

/** Range of the characters from `start` up to `end` (offsets). */
export function rangeBetween(source: SourceText, start: number, end: number): SourceRange {
  const from = positionOf(source, start);
  const to = positionOf(source, Math.max(start, end));
  return { file: source.file, line: from.line, column: from.column, endLine: to.line, endColumn: to.column };
}

/** Offsets of a node in its text; of nothing at all for a node that the parser made without text. */
export function extentOf(node: AstNode): { readonly start: number; readonly end: number } {
  const cst = node.$cstNode;
  return cst === undefined ? { start: 0, end: 0 } : { start: outermostWord(cst, 'first').offset, end: outermostWord(cst, 'last').end };
}

export function rangeOf(source: SourceText, node: AstNode): SourceRange {
  const { start, end } = extentOf(node);
  return rangeBetween(source, start, end);
}

/** The node as it is written. */
export function writtenText(source: SourceText, node: AstNode): string {
  const { start, end } = extentOf(node);
  return source.text.slice(start, end);
}

/** The `///` lines right above offset `start`, without their slashes; empty when there are none. */
export function documentationAbove(source: SourceText, start: number): string {
  const lines: string[] = [];
  for (let line = positionOf(source, start).line - 1; line >= 0; line--) {
    const text = lineText(source, line).trim();
    if (!text.startsWith('///')) break;
    lines.unshift(text.slice(3).trim());
  }
  return lines.join('\n');
}

/** The `///` lines that the file starts with: what the scenario is about. */
export function leadingDocumentation(source: SourceText): string {
  const lines: string[] = [];
  for (let line = 0; line < source.lineStarts.length; line++) {
    const text = lineText(source, line).trim();
    if (!text.startsWith('///')) break;
    lines.push(text.slice(3).trim());
  }
  return lines.join('\n');
}

function lineText(source: SourceText, line: number): string {
  const start = source.lineStarts[line] ?? source.text.length;
  return source.text.slice(start, source.lineStarts[line + 1] ?? source.text.length);
}

function positionOf(source: SourceText, offset: number): { readonly line: number; readonly column: number } {
  let low = 0;
  let high = source.lineStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((source.lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low, column: offset - (source.lineStarts[low] ?? 0) };
}
