import type { Procedure, Program, Statement } from '../../language/program';

/**
 * The statement that a breakpoint on a line binds to (line and column from 0, as the program counts):
 * the first one that starts on it, at or after the column; else the one that goes on over it; else
 * the next statement of the block that holds it. Undefined: nothing runs there.
 */
export function statementAtLine(program: Program, file: number, line: number, column: number): number | undefined {
  const starting = startingAt(program, file, line);
  if (starting.length > 0) {
    const fitting = starting.find((number) => statementOf(program, number).range.column >= column);
    return fitting ?? starting[starting.length - 1];
  }
  const goingOn = program.statements.findIndex(({ range }) => range.file === file && range.line < line && line <= range.endLine);
  if (goingOn >= 0) return goingOn;
  const block = blockAround(program, file, line);
  return block === undefined ? undefined : nextStatement(program, block, file, line);
}

/** Statements that start on lines `from` to `to`, in order of text. */
export function statementsOnLines(program: Program, file: number, from: number, to: number): readonly Statement[] {
  return program.statements
    .filter(({ range }, number) => range.file === file && range.line >= from && range.line <= to && !isBoot(program, number))
    .sort((a, b) => a.range.line - b.range.line || a.range.column - b.range.column);
}

/** The first statement of a procedure, by place in the text. */
export function firstStatement(program: Program, procedure: number): number | undefined {
  const range = program.procedures[procedure]?.range;
  return range === undefined ? undefined : nextStatement(program, procedure, range.file, range.line - 1);
}

/** The call of the library's `boot` stands at the heading of a cpu block: a heading is no line to stop at. */
function isBoot(program: Program, number: number): boolean {
  const statement = program.statements[number];
  const procedure = statement === undefined ? undefined : program.procedures[statement.procedure];
  if (statement === undefined || procedure?.kind !== 'cpu') return false;
  const { range } = procedure;
  return statement.entry === procedure.entry && statement.range.line === range.line && statement.range.column === range.column;
}

function startingAt(program: Program, file: number, line: number): number[] {
  const found: number[] = [];
  program.statements.forEach(({ range }, number) => {
    if (range.file === file && range.line === line && !isBoot(program, number)) found.push(number);
  });
  return found.sort((a, b) => statementOf(program, a).range.column - statementOf(program, b).range.column);
}

/** The innermost procedure whose text holds the line. */
function blockAround(program: Program, file: number, line: number): number | undefined {
  let best: number | undefined;
  program.procedures.forEach(({ range }, number) => {
    if (range.file !== file || line < range.line || line > range.endLine) return;
    const known = best === undefined ? undefined : program.procedures[best];
    if (known === undefined || lines(range) < lines(known.range)) best = number;
  });
  return best;
}

function lines(range: Procedure['range']): number {
  return range.endLine - range.line;
}

function nextStatement(program: Program, procedure: number, file: number, afterLine: number): number | undefined {
  let best: number | undefined;
  program.statements.forEach((statement, number) => {
    const { range } = statement;
    if (statement.procedure !== procedure || range.file !== file || range.line <= afterLine || isBoot(program, number)) return;
    const known = best === undefined ? undefined : program.statements[best]?.range;
    if (
      known === undefined ||
      range.line < known.line ||
      (range.line === known.line && range.column < known.column)
    ) {
      best = number;
    }
  });
  return best;
}

function statementOf(program: Program, number: number): Statement {
  const statement = program.statements[number];
  if (statement === undefined) throw new Error(`invariant: statement ${number} of the program exists`);
  return statement;
}
