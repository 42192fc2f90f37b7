import type { Diagnostic } from '../program';
import type { TextEdit } from '../format/formatText';
import type { EditedScenario } from './editedScenario';
import { offsetOf } from './places';

/** A change that mends what a diagnostic is about. */
export interface QuickFix {
  readonly title: string;
  readonly diagnostic: Diagnostic;
  readonly edits: readonly TextEdit[];
}

/** Fixes of the diagnostics that touch the characters from `start` to `end` of the scenario's own text. */
export function quickFixes({ files: [{ source }], diagnostics }: EditedScenario, start: number, end: number): readonly QuickFix[] {
  return diagnostics.flatMap((diagnostic) => {
    const { fix, range, path } = diagnostic;
    if (fix === undefined || path !== source.path) return [];
    const from = offsetOf(source, range.line, range.column);
    const to = offsetOf(source, range.endLine, range.endColumn);
    if (to < start || from > end) return [];
    const edits = fix.edits.filter((edit) => edit.range.file === 0).map((edit) => ({
      start: offsetOf(source, edit.range.line, edit.range.column),
      end: offsetOf(source, edit.range.endLine, edit.range.endColumn),
      newText: edit.text,
    }));
    return edits.length < fix.edits.length ? [] : [{ title: fix.title, diagnostic, edits }];
  });
}
