import type { EditedScenario } from './editedScenario';
import { tokensOf } from './words';

/** Lines from 0, both included. */
export interface Fold {
  readonly line: number;
  readonly endLine: number;
  readonly kind: 'block' | 'comment' | 'imports';
}

/** Blocks of more than one line, runs of comment lines, and runs of imports. */
export function folds({ files: [{ file, source }] }: EditedScenario): readonly Fold[] {
  const found: Fold[] = [];
  const open: number[] = [];
  const lineOf = lineFinder(source.lineStarts);
  let comments: { line: number; endLine: number } | undefined;
  let imports: { line: number; endLine: number } | undefined;
  const add = (fold: { line: number; endLine: number } | undefined, kind: Fold['kind']): void => {
    if (fold !== undefined && fold.endLine > fold.line) found.push({ ...fold, kind });
  };
  let lastLine = -1;
  for (const token of tokensOf(file)) {
    const line = lineOf(token.start);
    const isAlone = token.kind === 'comment' && line !== lastLine;
    lastLine = line;
    if (isAlone && comments?.endLine === line - 1) comments.endLine = line;
    else if (isAlone) {
      add(comments, 'comment');
      comments = { line, endLine: line };
    }
    if (token.image === 'import' && token.isKeyword) {
      if (imports?.endLine === line - 1) imports.endLine = line;
      else {
        add(imports, 'imports');
        imports = { line, endLine: line };
      }
    }
    if (token.image === '{' && token.kind === 'sign') open.push(line);
    if (token.image === '}' && token.kind === 'sign') {
      const start = open.pop();
      // The closing brace stays in sight.
      if (start !== undefined && line > start + 1) found.push({ line: start, endLine: line - 1, kind: 'block' });
    }
  }
  add(comments, 'comment');
  add(imports, 'imports');
  return found.sort((a, b) => a.line - b.line);
}

/** Offsets are asked for in ascending order. */
function lineFinder(lineStarts: readonly number[]): (offset: number) => number {
  let line = 0;
  return (offset) => {
    while ((lineStarts[line + 1] ?? Infinity) <= offset) line++;
    return line;
  };
}
