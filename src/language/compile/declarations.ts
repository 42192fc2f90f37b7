import { isCast, type Global, type Handler, type Param, type Procedure } from '../generated/ast';
import type { ProcedureKind, ValueType } from '../program';
import { numberOf } from '../syntax/literals';
import { nodesOf } from '../syntax/nodes';
import { extentOf, writtenText } from '../syntax/sourceText';
import { EXCEPTION_VECTORS, type ExceptionName } from '../virtualMachines';
import { isBuiltinCall } from './builtins';
import { inserting, replacing } from './fixes';
import { handlerParameters, type HandlerKind } from './handlers';
import { entryConstructors } from './entryFormat';
import { isReservedName } from './names';
import { registerPart } from './registersAndParts';
import type { Report } from './report';
import type { Declarations, Declared } from './sources';
import { didYouMean } from './nearestName';
import type { Scope } from './scope';
import type { ProcedureSymbol, Symbol } from './symbols';
import { signatureOf } from './valueTypes';

/** A procedure or handler that is to be compiled, in the order of Program.procedures. */
export interface Compilable {
  readonly node: Procedure | Handler;
  readonly source: Declared<Procedure>['source'];
  readonly symbol: ProcedureSymbol;
  /** What the processor calls it for. A handler that another one replaces is called by that, and so is a `procedure`. */
  readonly kind: ProcedureKind;
  /** What it is written as. */
  readonly handlerOf?: HandlerKind;
}

/** Numbers handed out so far: globals and tables are counted apart. */
export interface Numbering {
  globals: number;
  tables: number;
  processes: number;
}

/** Declares globals, tables and processes of one origin. */
export function declareNames(report: Report, scope: Scope, declarations: Declarations, numbering: Numbering): void {
  for (const { node, source } of declarations.processes) {
    declare(report, scope, { kind: 'process', name: node.name, index: numbering.processes++ }, { node, source });
  }
  for (const { node, source } of declarations.globals) {
    const symbol: Symbol = node.$type === 'Table'
      ? { kind: 'table', name: node.name, index: numbering.tables++, values: 'number' }
      : { kind: 'global', name: node.name, index: numbering.globals++, type: globalType(node) };
    declare(report, scope, symbol, { node, source });
  }
}

function declare(report: Report, scope: Scope, symbol: Symbol, { node, source }: Declared<Global | Declarations['processes'][number]['node']>): void {
  const known = scope.own(symbol.name);
  if (known !== undefined) {
    report.say(source, node, 'declared-above', { name: symbol.name, kind: known.kind });
    return;
  }
  if (isReservedName(symbol.name) || registerPart(symbol.name) !== undefined) {
    report.say(source, node, 'reserved-name', { name: symbol.name });
    return;
  }
  scope.declare(symbol);
}

/** A global has the type of its first value: the space that it is written in, else a number. */
function globalType(node: Global): ValueType {
  const { value } = node;
  if (value === undefined) return 'number';
  return nodesOf(value).find(isCast)?.space ?? 'number';
}

/** What declaring the procedures of a VM gives. */
export interface DeclaredProcedures {
  readonly procedures: ReadonlyMap<string, ProcedureSymbol>;
  readonly compilables: readonly Compilable[];
  readonly exceptions: Readonly<Partial<Record<ExceptionName, number>>>;
  readonly interrupts: ReadonlyMap<number, number>;
}

/**
 * Declares procedures and handlers: first the library's, then the scenario's, which replace them. The numbers start at
 * `firstIndex`.
 */
export function declareProcedures(report: Report, origins: readonly Declarations[], firstIndex: number): DeclaredProcedures {
  const procedures = new Map<string, ProcedureSymbol>();
  const compilables: Compilable[] = [];
  const running = new Map<string, ProcedureSymbol>();
  origins.forEach((declarations, origin) => {
    const ownNames = new Set<string>();
    for (const { node, source } of declarations.procedures) {
      const replaced = procedures.get(node.name);
      if (!mayDeclare(report, { node, source }, ownNames, replaced, procedures)) continue;
      ownNames.add(node.name);
      const symbol = symbolOf(node.name, firstIndex + compilables.length, node.params, resultOf(node), replaced);
      // What does not fit is compiled, for its own errors, and called by nobody.
      if (fitsReplaced(report, { node, source }, replaced, symbol)) procedures.set(node.name, symbol);
      compilables.push({ node, source, symbol, kind: 'procedure' });
    }
    const own = new Set<string>();
    for (const { node, source } of declarations.handlers) {
      const handled = handledBy(report, { node, source });
      if (handled === undefined) continue;
      const { kind, name } = handled;
      if (own.has(name) && origin > 0) {
        report.say(source, node, 'handler-twice', { kind: name });
        continue;
      }
      own.add(name);
      checkHandlerParameters(report, { node, source }, kind);
      const symbol = symbolOf(name, firstIndex + compilables.length, node.params, 'none', running.get(name));
      running.set(name, symbol);
      compilables.push({ node, source, symbol, kind, handlerOf: kind });
    }
  });
  const isReplaced = (each: Compilable): boolean => each.handlerOf !== undefined && running.get(each.symbol.name) !== each.symbol;
  return {
    procedures,
    compilables: compilables.map((each) => (isReplaced(each) ? { ...each, kind: 'procedure' } : each)),
    ...numbersOf(running),
  };
}

function numbersOf(running: ReadonlyMap<string, ProcedureSymbol>): Pick<DeclaredProcedures, 'exceptions' | 'interrupts'> {
  const exceptions: Partial<Record<ExceptionName, number>> = {};
  const interrupts = new Map<number, number>();
  for (const [name, { index }] of running) {
    if (Object.hasOwn(EXCEPTION_VECTORS, name)) exceptions[name as ExceptionName] = index;
    else interrupts.set(Number(name.slice(INTERRUPT.length)), index);
  }
  return { exceptions, interrupts };
}

const INTERRUPT = 'interrupt ';
const MOST_VECTOR = 255n;

/** What a handler is for: an exception, or `interrupt 128`. */
function handledBy(report: Report, { node, source }: Declared<Handler>): { readonly kind: HandlerKind; readonly name: string } | undefined {
  if (node.exception !== undefined) return { kind: node.exception, name: node.exception };
  const { vector } = node;
  const number = vector?.$type === 'NumberLiteral' ? numberOf(vector.value) : undefined;
  if (number === undefined || number > MOST_VECTOR) {
    report.say(source, vector ?? node, 'vector-number', { written: vector === undefined ? '' : writtenText(source, vector) });
    return undefined;
  }
  const exception = Object.entries(EXCEPTION_VECTORS).find(([, each]) => BigInt(each) === number)?.[0] as ExceptionName | undefined;
  if (exception === undefined) return { kind: 'interrupt', name: `${INTERRUPT}${number}` };
  report.say(source, node, 'vector-of-exception', { number, shape: handlerShape(exception) });
  return undefined;
}

/** `on page_fault(gva address, code)`. */
export function handlerShape(kind: HandlerKind): string {
  return `on ${signatureOf(kind, handlerParameters[kind])}`;
}

function symbolOf(
  name: string, index: number, params: readonly Param[], result: ValueType, overrides: ProcedureSymbol | undefined,
): ProcedureSymbol {
  return { name, index, parameters: params.map((param) => ({ name: param.name, type: param.type ?? 'number' })), result, overrides };
}

/** Without `->` a procedure gives a number when some `return` has a value. */
function resultOf(node: Procedure): ValueType {
  if (node.type !== undefined) return node.type === 'table' ? 'number' : node.type;
  const gives = nodesOf(node.body).some((each) => each.$type === 'Return' && 'value' in each && each.value !== undefined);
  return gives ? 'number' : 'none';
}

function mayDeclare(
  report: Report, { node, source }: Declared<Procedure>, own: ReadonlySet<string>, replaced: ProcedureSymbol | undefined,
  known: ReadonlyMap<string, ProcedureSymbol>,
): boolean {
  const { name } = node;
  if (own.has(name)) {
    report.say(source, node, 'procedure-twice', { name });
    return false;
  }
  if (isBuiltinCall(name) || entryConstructors.has(name)) {
    report.say(source, node, 'builtin-name', { name });
    return false;
  }
  if (node.type === 'table') report.say(source, node, 'gives-table');
  if (replaced !== undefined && !node.override) {
    report.say(source, node, 'override-missing', { name });
    report.mend(source, node, 'override-missing', inserting(source, node, 'override '));
    return false;
  }
  if (replaced === undefined && node.override) {
    report.say(source, node, 'override-nothing', { name, hint: didYouMean(name, known.keys()) });
    const { start } = extentOf(node);
    report.mend(source, node, 'override-nothing', replacing(source, { start, end: start + 'override '.length }, ''));
    return false;
  }
  return true;
}

/** The library calls its procedures by their own shape, so what replaces one must take the same. */
function fitsReplaced(
  report: Report, { node, source }: Declared<Procedure>, replaced: ProcedureSymbol | undefined, by: ProcedureSymbol,
): boolean {
  if (replaced === undefined) return true;
  const shape = `${signatureOf(replaced.name, replaced.parameters)}${replaced.result === 'none' ? '' : ` -> ${replaced.result}`}`;
  const same = replaced.parameters.length === by.parameters.length && replaced.result === by.result &&
    replaced.parameters.every((each, i) => each.type === by.parameters[i]?.type);
  if (!same) report.say(source, node, 'override-shape', { shape });
  return same;
}

/** The processor hands a handler what `handlerParameters` lists; it may leave out the last ones. */
function checkHandlerParameters(report: Report, { node, source }: Declared<Handler>, kind: HandlerKind): void {
  const wanted = handlerParameters[kind];
  const isFine = node.params.length <= wanted.length && node.params.every((param, i) => (param.type ?? 'number') === wanted[i]?.type);
  if (isFine) return;
  const what = wanted.map(({ name, type }) => (name === 'code' ? 'an error code' : type === 'gva' ? 'the linear address' : 'the guest-physical address'));
  report.say(source, node, 'handler-parameters', { kind, what: what.length === 0 ? 'nothing' : what.join(' and '), shape: handlerShape(kind) });
}
