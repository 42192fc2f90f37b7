import { compileWithImports } from './compileWithImports';
import { sourceKey } from './client';
import type { FileAccess } from './fileAccess';
import { simulator } from './pagewalkSimulator';

/** What is wrong at a place of the text; lines and columns from 0, the end not included, as editors count. */
export interface EditorDiagnostic {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly message: string;
  readonly severity: 'error' | 'warning';
}

/**
 * Errors and warnings of a scenario as it stands in an editor. `files` gives what it imports; what is
 * wrong inside an import is told on the scenario's first line, with its place.
 */
export async function diagnoseScenario(path: string, text: string, files: FileAccess): Promise<readonly EditorDiagnostic[]> {
  const { diagnostics } = await compileWithImports(simulator, files, path, text);
  return diagnostics.map(({ message, severity, range, path: where }) => {
    if (sourceKey(where) === sourceKey(path)) {
      const { line, column, endLine, endColumn } = range;
      return { line, column, endLine, endColumn, message, severity };
    }
    const place = `${where}:${range.line + 1}:${range.column + 1}`;
    return { line: 0, column: 0, endLine: 0, endColumn: 1, message: `${place}: ${message}`, severity };
  });
}
