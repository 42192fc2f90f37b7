import type { Catalog } from '../catalog';
import type { Area, Expectation, PrintPart, SettingValue, SourceRange, WrittenAccess } from '../program';
import type { CodeBuffer } from './codeBuffer';
import type { Meetings } from './meetings';
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

/** The VM that a body belongs to, as far as the meaning of its lines goes. */
export interface VmContext {
  readonly symbols: Symbols;
  readonly areas: readonly Area[];
  /** Names of the processes by their numbers in the program. */
  readonly processNames: ReadonlyMap<number, string>;
  /** Names that were used, for the warning about those that never are. */
  readonly used: Set<string>;
}

/** What all bodies of one program are compiled into. */
export interface Unit {
  readonly report: Report;
  readonly catalog: Catalog;
  readonly platform: readonly SettingValue[];
  readonly code: CodeBuffer;
  readonly vms: readonly VmContext[];
  readonly statements: StatementDraft[];
  readonly accesses: WrittenAccess[];
  readonly expectations: Expectation[];
  readonly techniqueSets: string[][];
  readonly prints: (readonly PrintPart[])[];
  readonly meetings: Meetings;
  /** Memslots by name: those of settings, then those that only host actions name. */
  readonly slotNames: readonly { readonly name: string; readonly vm: number }[];
  /** Numbers of those of settings. */
  readonly declaredSlots: ReadonlySet<number>;
  /** Tables that host actions fill come behind the declared ones. */
  readonly madeTables: string[];
  readonly declaredTables: number;
  /** Words of statements that a syntax error took out: they may have been names. */
  readonly lost: ReadonlySet<string>;
}

/** The result of looking a procedure up; the call counts as a use of its name. */
export function procedureNamed(vm: VmContext, name: string): ProcedureSymbol | undefined {
  const symbol = vm.symbols.procedures.get(name);
  if (symbol !== undefined) vm.used.add(name);
  return symbol;
}
