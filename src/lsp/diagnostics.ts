import type { Diagnostic as LspDiagnostic, Range } from 'vscode-languageserver';
import { fileName, sourceKey } from '../adapter/client';
import type { EditedScenario } from '../language/editor/editedScenario';
import type { Diagnostic } from '../language/program';

/** LSP's numbers of severities. */
const SEVERITY = { error: 1, warning: 2 } as const;
/** LSP's tag of code that does nothing: it is shown faded. */
const UNNECESSARY = 1;
const DOES_NOTHING = /unused|unreachable|never-/;

/** Diagnostics of a scenario as its document shows them; what is wrong inside an import is told on the first line, with its place. */
export function publishedDiagnostics(uri: string, { diagnostics }: EditedScenario): LspDiagnostic[] {
  return diagnostics.map((diagnostic) => {
    const { path, message, range } = diagnostic;
    const shown = shape(diagnostic);
    if (sourceKey(path) === sourceKey(uri)) return { ...shown, range: rangeOf(diagnostic), message };
    return {
      ...shown,
      range: { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } },
      message: `${fileName(path)}:${range.line + 1}:${range.column + 1}: ${message}`,
      relatedInformation: [{ location: { uri: path, range: rangeOf(diagnostic) }, message }],
    };
  });
}

export function rangeOf({ range: { line, column, endLine, endColumn } }: Diagnostic): Range {
  return { start: { line, character: column }, end: { line: endLine, character: endColumn } };
}

function shape({ severity, code }: Diagnostic): Omit<LspDiagnostic, 'range' | 'message'> {
  return {
    severity: SEVERITY[severity],
    source: 'pagewalk',
    ...(code === undefined ? {} : { code }),
    ...(code !== undefined && DOES_NOTHING.test(code) ? { tags: [UNNECESSARY] } : {}),
  };
}
