import type { Program, WrittenAccess } from '../../language/program';

/** An access inside a statement that makes several: a place of its own to stop at. */
export interface AccessLocation extends WrittenAccess {
  readonly statement: number;
}

/**
 * Accesses on lines `from` to `to` of a file (from 0) that a breakpoint can be set at besides their statement: of a statement
 * that makes one access alone that is the statement itself, and one that stands where its statement begins is told by it.
 */
export function accessesOnLines(program: Program, file: number, from: number, to: number): readonly AccessLocation[] {
  const onLines = program.statements.flatMap((statement, number) => (
    statement.range.file === file && statement.range.line <= to && statement.range.endLine >= from ? [{ ...statement, number }] : []
  ));
  const located = onLines.flatMap(({ number, entry, end, range: whole }) => {
    // Of a statement with others in it only what is its own: the innermost one around an access has it.
    const own = program.accesses.filter(({ instruction }) => instruction > entry && instruction < end
      && !onLines.some((other) => other.number !== number && other.entry > entry && instruction > other.entry && instruction < other.end));
    if (own.length < 2) return [];
    return own.filter(({ range }) => range.line !== whole.line || range.column !== whole.column).map((access) => ({ ...access, statement: number }));
  });
  return located
    .filter(({ range }) => range.line >= from && range.line <= to)
    .sort((a, b) => a.range.line - b.range.line || a.range.column - b.range.column);
}
