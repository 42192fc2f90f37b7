import { KIND } from '../hardware/events/eventTable';
import { exitReasons } from '../hardware/vmx/exitReasons';
import type { Catalog } from './catalog';
import { Body } from './compile/body';
import { CodeBuffer } from './compile/codeBuffer';
import { compileExpression as compileNode } from './compile/expressions';
import { Report } from './compile/report';
import { hostContext } from './compile/hostContext';
import { Meetings } from './compile/meetings';
import { Scope } from './compile/scope';
import type { ProgramSymbols } from './compile/symbols';
import type { Unit, VmContext } from './compile/unit';
import type { Fragment, Procedure, Program, ValueType } from './program';
import { parseExpressionText } from './syntax/expressionText';
import { sourceText } from './syntax/sourceText';

/** A compiled scenario with what its names mean, as `compileScenario` gives both. */
export interface CompiledContext {
  readonly program: Program;
  readonly symbols: ProgramSymbols;
}

/** A named value of a listing's procedure. */
export interface ListedValue {
  readonly name: string;
  readonly type: ValueType;
}

/** Where an expression is read, and what for. */
export interface Site {
  /** Names are those of this procedure; without one only globals, processes, registers, counters and the event have names. */
  readonly procedure?: number;
  /** Variables are those assigned before this instruction. */
  readonly instruction?: number;
  /** Variables that have no value at the moment. */
  readonly withoutValue?: ReadonlySet<string>;
  /** Values of the listing line it is read on, by their numbers: they come before all other names. */
  readonly values?: readonly ListedValue[];
  /** Only a condition has an `event`; left out: a condition. */
  readonly use?: 'watch' | 'condition';
}

const NO_CATALOG: Catalog = { techniques: [], techniqueNames: [], settings: [], hostActionRefusal: () => undefined };

/**
 * Compiles an expression for a watch, a hover or a condition: it touches nothing. The error is one sentence.
 */
export function compileExpression(
  { program, symbols }: CompiledContext,
  text: string,
  site: Site | undefined,
): { readonly fragment: Fragment } | { readonly error: string } {
  const values = site?.values ?? [];
  const parsed = parseExpressionText(text, new Set([...Object.keys(KIND), ...exitReasons.map(({ key }) => key), ...values.map(({ name }) => name)]));
  if ('problem' in parsed) return { error: parsed.problem.message };
  const procedure = site?.procedure === undefined ? undefined : program.procedures[site.procedure];
  const report = new Report();
  const code = new CodeBuffer();
  const vms = symbols.vms.map((each): VmContext => ({ symbols: each, areas: [], processNames: processNames(program, each.vm), used: new Set() }));
  const unit: Unit = {
    report, code, vms, platform: program.platform, catalog: NO_CATALOG, statements: [], accesses: [], expectations: [], techniqueSets: [], prints: [], meetings: new Meetings(),
    slotNames: program.slotNames, declaredSlots: new Set(), madeTables: [], declaredTables: program.tables.length, lost: new Set(),
  };
  const kind = procedure?.kind === 'host thread' ? procedure.kind : 'procedure';
  const vm = kind === 'host thread' ? hostContext(unit) : vms[symbols.vmOfProcedure[site?.procedure ?? 0] ?? 0];
  if (vm === undefined) throw new Error('invariant: a program without a VM');
  const scope = vm.symbols.scopes[procedure?.range.file ?? 0] ?? new Scope(undefined);
  const body = new Body(unit, vm, sourceText(0, '', text), scope, kind, site?.procedure ?? -1);
  body.purpose = site?.use ?? 'condition';
  adoptVariables(body, procedure, site);
  const own = procedure?.registers ?? 0;
  body.releaseTo(own);
  const at = body.allocate(values.length);
  values.forEach(({ name, type }, i) => { body.adoptVariable({ name, type, register: at + i, since: -1 }); });
  const result = compileNode(body, parsed.expression);
  const register = body.inRegister(result);
  const [error] = report.diagnostics;
  if (error !== undefined) return { error: error.message };
  if (result.type === 'none') return { error: `\`${text}\` has no value; ask for something that has one.` };
  const { code: words, constants } = code.finish();
  const read = values.flatMap(({ name }, number) => (body.variable(name)?.isRead === true ? [{ number, name }] : []));
  return {
    fragment: {
      code: words, constants, registers: Math.max(0, body.registers - own), result: register, type: result.type,
      ...(result.owner === undefined ? {} : { vm: result.owner.vm }),
      ...(read.length === 0 ? {} : { values: { at, read } }),
    },
  };
}

function processNames(program: Program, vm: number): ReadonlyMap<number, string> {
  return new Map(program.processes.flatMap((process, number) => (process.vm === vm ? [[number, process.name] as const] : [])));
}

function adoptVariables(body: Body, procedure: Procedure | undefined, site: Site | undefined): void {
  for (const variable of procedure?.variables ?? []) {
    const isLater = site?.instruction !== undefined && variable.since > site.instruction;
    if (isLater || site?.withoutValue?.has(variable.name) === true) body.adoptWithoutValue(variable.name);
    else body.adoptVariable(variable);
  }
}
