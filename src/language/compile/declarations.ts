import { isCast, type Global, type Handler, type Param, type Procedure } from '../generated/ast';
import type { ValueType } from '../program';
import { AstUtils } from 'langium';
import { hostActions, instructions, questions } from './builtins';
import { entryConstructors } from './entryFormat';
import { isReservedName } from './names';
import { registerPart } from './registersAndParts';
import type { Report } from './report';
import type { Declarations, Declared } from './sources';
import type { ProcedureSymbol, Scope, Symbol } from './symbols';

/** A procedure or handler that is to be compiled, in the order of Program.procedures. */
export interface Compilable {
  readonly node: Procedure | Handler;
  readonly source: Declared<Procedure>['source'];
  readonly symbol: ProcedureSymbol;
  /** `page_fault`: the handler that runs. A handler that another one replaces is called, and so is a procedure. */
  readonly kind: 'procedure' | 'page_fault';
}

/** Numbers handed out so far: globals and tables are counted apart. */
export interface Numbering {
  globals: number;
  tables: number;
}

/** Declares globals, tables and processes of one origin. */
export function declareNames(report: Report, scope: Scope, declarations: Declarations, numbering: Numbering): void {
  declarations.processes.forEach(({ node, source }, index) => {
    declare(report, scope, { kind: 'process', name: node.name, index }, { node, source });
  });
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
    report.error(source, node, `\`${symbol.name}\` is declared above as a ${known.kind}; choose another name.`);
    return;
  }
  if (isReservedName(symbol.name) || registerPart(symbol.name) !== undefined) {
    report.error(source, node, `\`${symbol.name}\` has a meaning of its own; choose another name.`);
    return;
  }
  scope.declare(symbol);
}

/** A global has the type of its first value: the space that it is written in, else a number. */
function globalType(node: Global): ValueType {
  const { value } = node;
  if (value === undefined) return 'number';
  return AstUtils.streamAst(value).find(isCast)?.space ?? 'number';
}

/**
 * Declares procedures and handlers: first the library's, then the scenario's, which replace them. The first numbers
 * belong to the `cpu` blocks.
 */
export function declareProcedures(
  report: Report,
  origins: readonly Declarations[],
  firstIndex: number,
): { readonly procedures: Map<string, ProcedureSymbol>; readonly compilables: Compilable[]; readonly handler: ProcedureSymbol | undefined } {
  const procedures = new Map<string, ProcedureSymbol>();
  const compilables: Compilable[] = [];
  let handler: ProcedureSymbol | undefined;
  origins.forEach((declarations, origin) => {
    const ownNames = new Set<string>();
    for (const { node, source } of declarations.procedures) {
      const replaced = procedures.get(node.name);
      if (!mayDeclare(report, { node, source }, ownNames, replaced)) continue;
      ownNames.add(node.name);
      const symbol = symbolOf(node.name, firstIndex + compilables.length, node.params, resultOf(node), replaced);
      // What does not fit is compiled, for its own errors, and called by nobody.
      if (fitsReplaced(report, { node, source }, replaced, symbol)) procedures.set(node.name, symbol);
      compilables.push({ node, source, symbol, kind: 'procedure' });
    }
    let own = false;
    for (const { node, source } of declarations.handlers) {
      if (node.exception !== 'page_fault') {
        report.error(source, node, `Handlers of ${node.exception ?? 'interrupts'} are not supported yet; on page_fault is.`);
        continue;
      }
      if (own && origin > 0) {
        report.error(source, node, 'Page faults have a handler already; keep one of the two.');
        continue;
      }
      own = true;
      checkHandlerParameters(report, { node, source });
      handler = symbolOf('page_fault', firstIndex + compilables.length, node.params, 'none', handler);
      compilables.push({ node, source, symbol: handler, kind: 'page_fault' });
    }
  });
  const running = handler;
  return {
    procedures,
    compilables: compilables.map((each) => (each.kind === 'page_fault' && each.symbol !== running ? { ...each, kind: 'procedure' } : each)),
    handler,
  };
}

function symbolOf(
  name: string, index: number, params: readonly Param[], result: ValueType, overrides: ProcedureSymbol | undefined,
): ProcedureSymbol {
  return { name, index, parameters: params.map((param) => ({ name: param.name, type: param.type ?? 'number' })), result, overrides };
}

/** Without `->` a procedure gives a number when some `return` has a value. */
function resultOf(node: Procedure): ValueType {
  if (node.type !== undefined) return node.type;
  const gives = AstUtils.streamAst(node.body).some((each) => each.$type === 'Return' && 'value' in each && each.value !== undefined);
  return gives ? 'number' : 'none';
}

function mayDeclare(
  report: Report, { node, source }: Declared<Procedure>, own: ReadonlySet<string>, replaced: ProcedureSymbol | undefined,
): boolean {
  const { name } = node;
  if (own.has(name)) {
    report.error(source, node, `The procedure \`${name}\` is declared twice; keep one of the two.`);
    return false;
  }
  const isBuiltin = Object.hasOwn(questions, name) || instructions.has(name) || entryConstructors.has(name) ||
    hostActions.has(name) || ['walk', 'key', 'bit', 'original'].includes(name);
  if (isBuiltin) {
    report.error(source, node, `\`${name}\` belongs to the language; choose another name.`);
    return false;
  }
  for (const param of node.params) {
    if (param.type === 'table') report.error(source, param, 'Tables cannot be passed yet; use the table by its name.');
  }
  if (node.type === 'table') report.error(source, node, 'A procedure cannot give a table; give a number or an address.');
  if (replaced !== undefined && !node.override) {
    report.error(source, node, `The library has a procedure \`${name}\`; write \`override procedure ${name}\` to replace it, or choose another name.`);
    return false;
  }
  if (replaced === undefined && node.override) {
    report.error(source, node, `\`${name}\` replaces nothing, as the library has no such procedure; remove \`override\`.`);
    return false;
  }
  return true;
}

/** The library calls its procedures by their own shape, so what replaces one must take the same. */
function fitsReplaced(
  report: Report, { node, source }: Declared<Procedure>, replaced: ProcedureSymbol | undefined, by: ProcedureSymbol,
): boolean {
  if (replaced === undefined) return true;
  const shape = (symbol: ProcedureSymbol): string => {
    const parameters = symbol.parameters.map((each) => (each.type === 'number' ? each.name : `${each.type} ${each.name}`));
    return `${symbol.name}(${parameters.join(', ')})${symbol.result === 'none' ? '' : ` -> ${symbol.result}`}`;
  };
  const same = replaced.parameters.length === by.parameters.length && replaced.result === by.result &&
    replaced.parameters.every((each, i) => each.type === by.parameters[i]?.type);
  if (!same) report.error(source, node, `This does not fit what it replaces; write override procedure ${shape(replaced)}.`);
  return same;
}

/** The processor hands a handler the address (CR2) and the error code. */
function checkHandlerParameters(report: Report, { node, source }: Declared<Handler>): void {
  const [address, code] = node.params;
  const isFine = node.params.length <= 2 && (address === undefined || address.type === 'gva') &&
    (code === undefined || code.type === undefined || code.type === 'number');
  if (!isFine) report.error(source, node, 'A page-fault handler takes the linear address and the error code; write on page_fault(gva address, code).');
}
