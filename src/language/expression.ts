import type { Catalog } from './catalog';
import { Body } from './compile/body';
import { CodeBuffer } from './compile/codeBuffer';
import { compileExpression as compileNode } from './compile/expressions';
import { Report } from './compile/report';
import { Scope, type Symbols } from './compile/symbols';
import type { Unit } from './compile/unit';
import type { Fragment, Program, ValueType } from './program';
import { parseExpressionText } from './syntax/parse';
import { sourceText } from './syntax/sourceText';

/** A compiled scenario with what its names mean, as `compileScenario` gives both. */
export interface CompiledContext {
  readonly program: Program;
  readonly symbols: Symbols;
}

/** Where an expression is read: names are those of this procedure, variables those assigned before the instruction. */
export interface Site {
  readonly procedure: number;
  readonly instruction?: number;
}

const NO_CATALOG: Catalog = { techniques: [], techniqueNames: [], settings: [] };

/**
 * Compiles an expression for a watch, a hover or a condition: it touches nothing. Without a site only globals,
 * processes, registers, counters and the event have names. The error is one sentence.
 */
export function compileExpression(
  { program, symbols }: CompiledContext,
  text: string,
  site: Site | undefined,
): { readonly fragment: Fragment } | { readonly error: string } {
  const parsed = parseExpressionText(text);
  if ('problem' in parsed) return { error: parsed.problem.message };
  const procedure = site === undefined ? undefined : program.procedures[site.procedure];
  const report = new Report();
  const code = new CodeBuffer();
  const unit: Unit = {
    report, code, symbols, catalog: NO_CATALOG, areas: [], processNames: [], statements: [], expectations: [],
    techniqueSets: [], prints: [], used: new Set(), lost: new Set(),
  };
  const scope = symbols.scopes[procedure?.range.file ?? 0] ?? new Scope(undefined);
  const body = new Body(unit, sourceText(0, '', text), scope, 'procedure', site?.procedure ?? -1);
  body.purpose = 'watch';
  const own = procedure?.registers ?? 0;
  for (const variable of procedure?.variables ?? []) {
    const hasValue = site?.instruction === undefined || variable.since <= site.instruction;
    if (hasValue) body.adoptVariable(variable);
  }
  body.releaseTo(own);
  const result = compileNode(body, parsed.expression);
  const register = body.inRegister(result);
  const [error] = report.diagnostics;
  if (error !== undefined) return { error: error.message };
  if (result.type === 'none') return { error: `\`${text}\` has no value; ask for something that has one.` };
  const { code: words, constants } = code.finish();
  const type: ValueType = result.type;
  return { fragment: { code: words, constants, registers: Math.max(0, body.registers - own), result: register, type } };
}
