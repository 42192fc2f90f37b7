import type { Area, Expectation, PrintPart, SourceRange } from '../program';
import type { Catalog } from '../catalog';
import type { CodeBuffer } from './codeBuffer';
import type { Report } from './report';
import type { ProcedureSymbol, Symbols } from './symbols';

/** A statement while its end and the expectations below it are still unknown. */
export interface StatementDraft {
  readonly range: SourceRange;
  readonly procedure: number;
  readonly entry: number;
  end: number;
  readonly user: boolean;
  readonly host: boolean;
  readonly isExpect: boolean;
  readonly refusedBelow: number[];
  readonly stoppedBelow: number[];
}

/** What all bodies of one program are compiled into. */
export interface Unit {
  readonly report: Report;
  readonly catalog: Catalog;
  readonly code: CodeBuffer;
  readonly symbols: Symbols;
  readonly areas: readonly Area[];
  readonly processNames: readonly string[];
  readonly statements: StatementDraft[];
  readonly expectations: Expectation[];
  readonly techniqueSets: string[][];
  readonly prints: (readonly PrintPart[])[];
  /** Names that were used, for the warning about those that never are. */
  readonly used: Set<string>;
  /** Words of statements that a syntax error took out: they may have been names. */
  readonly lost: ReadonlySet<string>;
}

/** The result of looking a procedure up; the call counts as a use of its name. */
export function procedureNamed(unit: Unit, name: string): ProcedureSymbol | undefined {
  const symbol = unit.symbols.procedures.get(name);
  if (symbol !== undefined) unit.used.add(name);
  return symbol;
}
