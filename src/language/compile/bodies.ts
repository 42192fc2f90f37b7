import { AstUtils, type AstNode } from 'langium';
import type { Block, Cpu, Handler, Procedure } from '../generated/ast';
import { OP, type Procedure as CompiledProcedure } from '../program';
import { documentationAbove, extentOf, rangeBetween, type SourceText } from '../syntax/sourceText';
import { isVariableName } from './assignments';
import { Body, type BodyKind } from './body';
import type { Compilable } from './declarations';
import { headStatementRange, beginStatement, endStatement } from './statementRows';
import { compileBlock } from './statements';
import { procedureNamed, type Unit } from './unit';

/** Compiles a `cpu` block: the library's `boot`, the counters' start, then the scenario's own lines. */
export function compileCpu(unit: Unit, node: Cpu, source: SourceText, index: number): CompiledProcedure {
  const body = newBody(unit, source, 'cpu', index);
  const { code } = unit;
  const entry = code.here;
  declareVariables(body, node.body);
  const boot = procedureNamed(unit, 'boot');
  if (boot !== undefined && unit.symbols.paging === 'on') {
    const mark = body.mark;
    const row = beginStatement(body, headStatementRange(body, headOf(source, node, node.body)), 'own level');
    const register = body.allocate();
    code.emit(OP.call, boot.index, register, register);
    endStatement(body, row);
    body.releaseTo(mark);
  }
  code.emit(OP.startCounting);
  compileBlock(body, node.body);
  code.emit(OP.end);
  return finished(body, node, `cpu ${node.number}`, entry, 0);
}

/** Compiles a procedure or handler. */
export function compileProcedure(unit: Unit, compilable: Compilable): CompiledProcedure {
  const { node, source, symbol, kind } = compilable;
  const body = newBody(unit, source, kind, symbol.index);
  body.result = symbol.result;
  body.original = symbol.overrides;
  body.isHandler = node.$type === 'Handler';
  const { code } = unit;
  const entry = code.here;
  for (const { name, type } of symbol.parameters) {
    if (body.variable(name) !== undefined) body.fail(node, `The parameter \`${name}\` is named twice; choose another name.`);
    const variable = body.declareVariable(name);
    variable.type = type;
    variable.since = entry;
  }
  // The processor fills both registers, whether the handler names them or not.
  if (kind === 'page_fault' && symbol.parameters.length < 2) body.allocate(2 - symbol.parameters.length);
  declareVariables(body, node.body);
  const flow = compileBlock(body, node.body);
  if (flow === 'goes on') endProcedure(body, node);
  return finished(body, node, symbol.name, entry, symbol.parameters.length);
}

function endProcedure(body: Body, node: Procedure | Handler): void {
  const { code } = body.unit;
  if (body.kind === 'page_fault') {
    code.emit(OP.iret);
    return;
  }
  if (body.result !== 'none') {
    body.unit.report.error(body.source, node, `\`${node.$type === 'Procedure' ? node.name : ''}\` can end without giving its ${body.result}; write \`return\` with a value at its end.`);
  }
  const register = body.allocate();
  code.loadConstant(register, 0n);
  code.emit(OP.return, register);
}

function newBody(unit: Unit, source: SourceText, kind: BodyKind, index: number): Body {
  const scope = unit.symbols.scopes[source.file];
  if (scope === undefined) throw new Error('invariant: a file has no scope');
  return new Body(unit, source, scope, kind, index);
}

/** Variables get the first registers, in the order in which the text assigns them. */
function declareVariables(body: Body, block: Block): void {
  for (const each of AstUtils.streamAst(block)) {
    const name = assignedName(each);
    if (name !== undefined && isVariableName(body, name)) body.declareVariable(name);
  }
}

function assignedName(node: AstNode): string | undefined {
  if (node.$type === 'For') return (node as { name?: string }).name;
  if (node.$type !== 'Update') return undefined;
  const { target, op } = node as { target?: { $type: string; name?: string }; op?: string };
  return op !== undefined && target?.$type === 'NameRef' ? target.name : undefined;
}

function headOf(source: SourceText, node: AstNode, block: Block): { readonly start: number; readonly end: number } {
  const { start } = extentOf(node);
  return { start, end: start + source.text.slice(start, extentOf(block).start).trimEnd().length };
}

function finished(body: Body, node: Cpu | Procedure | Handler, name: string, entry: number, parameters: number): CompiledProcedure {
  const { start, end } = extentOf(node);
  const variables = body.finishedVariables();
  return {
    name,
    kind: body.kind,
    entry,
    end: body.unit.code.here,
    parameters: variables.slice(0, parameters),
    variables,
    registers: body.registers,
    result: body.result,
    range: rangeBetween(body.source, start, end),
    documentation: documentationAbove(body.source, start),
  };
}
