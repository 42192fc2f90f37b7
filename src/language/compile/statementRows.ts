import type { AstNode } from 'langium';
import { OP, type SourceRange } from '../program';
import { rangeBetween, rangeOf } from '../syntax/sourceText';
import type { Body } from './body';
import type { StatementDraft } from './unit';

/** How a statement starts: at CPL 3 by its own `user`, at the level of what it stands in, or as an expectation. */
export type StatementStart = 'user' | 'own level' | 'expect';

/** Starts a statement here: a step, a place for a breakpoint. */
export function beginStatement(body: Body, range: SourceRange, start: StatementStart): StatementDraft {
  const { unit } = body;
  const row: StatementDraft = {
    range,
    procedure: body.procedure,
    entry: unit.code.here,
    end: -1,
    user: start === 'user' || body.isUser,
    host: body.purpose === 'host',
    isExpect: start === 'expect',
    refusedBelow: [],
    stoppedBelow: [],
  };
  unit.statements.push(row);
  unit.code.emit(OP.statement, unit.statements.length - 1);
  return row;
}

export function endStatement(body: Body, row: StatementDraft): void {
  row.end = body.unit.code.here;
}

/** The statement again, at a loop's next turn. */
export function repeatStatement(body: Body, row: StatementDraft): void {
  body.unit.code.emit(OP.statement, body.unit.statements.lastIndexOf(row));
}

export function statementRange(body: Body, node: AstNode): SourceRange {
  return rangeOf(body.source, node);
}

export function headStatementRange(body: Body, head: { readonly start: number; readonly end: number }): SourceRange {
  return rangeBetween(body.source, head.start, head.end);
}
