import type { AstNode } from 'langium';
import type { Block, Cpu, Handler, HostThread, Procedure } from '../generated/ast';
import { OP, type Procedure as CompiledProcedure, type ProcedureKind } from '../program';
import { nodesOf } from '../syntax/nodes';
import { documentationAbove, extentOf, rangeBetween, type SourceText } from '../syntax/sourceText';
import { isVariableName } from './assignments';
import { Body } from './body';
import type { Compilable } from './declarations';
import { headStatementRange, beginStatement, endStatement } from './statementRows';
import { compileBlock } from './statements';
import { emitHandlerEnd, handlerParameters } from './handlers';
import type { Declared } from './sources';
import { procedureNamed, type Unit, type VmContext } from './unit';

/** Compiles a `cpu` block. The first one of a VM runs the library's `boot` and starts the counters before its own lines. */
export function compileCpu(unit: Unit, vm: VmContext, { node, source }: Declared<Cpu>, index: number, turn: 'first' | 'other'): CompiledProcedure {
  const body = newBody(unit, vm, source, 'cpu', index);
  const { code } = unit;
  const entry = code.here;
  declareVariables(body, node.body);
  if (turn === 'first') {
    const boot = procedureNamed(vm, 'boot');
    if (boot !== undefined && vm.symbols.paging !== 'off at first') {
      const mark = body.mark;
      const row = beginStatement(body, headStatementRange(body, headOf(source, node, node.body)), 'own level');
      const register = body.allocate();
      code.emit(OP.call, boot.index, register, register);
      endStatement(body, row);
      body.releaseTo(mark);
    }
    code.emit(OP.startCounting);
  }
  compileBlock(body, node.body);
  code.emit(OP.end);
  const { name } = vm.symbols;
  return finished(body, node, name === '' ? `cpu ${node.number}` : `${name} cpu ${node.number}`, entry, 0);
}

/** Compiles a host thread: the host acts in all of it. */
export function compileThread(unit: Unit, vm: VmContext, { node, source }: Declared<HostThread>, index: number): CompiledProcedure {
  const body = newBody(unit, vm, source, 'host thread', index);
  body.purpose = 'host';
  const entry = unit.code.here;
  declareVariables(body, node.body);
  compileBlock(body, node.body);
  unit.code.emit(OP.end);
  return finished(body, node, `host thread ${node.name}`, entry, 0);
}

/** Compiles a procedure or handler. */
export function compileProcedure(unit: Unit, vm: VmContext, compilable: Compilable): CompiledProcedure {
  const { node, source, symbol, kind, handlerOf } = compilable;
  const body = newBody(unit, vm, source, kind, symbol.index);
  body.result = symbol.result;
  body.original = symbol.overrides;
  body.handlerOf = handlerOf;
  const { code } = unit;
  const entry = code.here;
  for (const { name, type } of symbol.parameters) {
    if (body.variable(name) !== undefined) body.fail(node, 'parameter-twice', { name });
    const variable = body.declareVariable(name);
    variable.type = type;
    variable.since = entry;
  }
  // The processor fills all registers of a handler's parameters, whether the handler names them or not.
  const handed = handlerOf === undefined || kind === 'procedure' ? 0 : handlerParameters[handlerOf].length;
  if (handed > symbol.parameters.length) body.allocate(handed - symbol.parameters.length);
  declareVariables(body, node.body);
  const flow = compileBlock(body, node.body);
  if (flow === 'goes on') endProcedure(body, node);
  return finished(body, node, symbol.name, entry, symbol.parameters.length);
}

function endProcedure(body: Body, node: Procedure | Handler): void {
  if (body.isHandler) {
    emitHandlerEnd(body);
    return;
  }
  const { code } = body.unit;
  if (body.result !== 'none') body.fail(node, 'ends-without-value', { name: node.$type === 'Procedure' ? node.name : '', type: body.result });
  const register = body.allocate();
  code.loadConstant(register, 0n);
  code.emit(OP.return, register);
}

function newBody(unit: Unit, vm: VmContext, source: SourceText, kind: ProcedureKind, index: number): Body {
  const scope = vm.symbols.scopes[source.file];
  if (scope === undefined) throw new Error('invariant: a file has no scope');
  return new Body(unit, vm, source, scope, kind, index);
}

/** Variables get the first registers, in the order in which the text assigns them. */
function declareVariables(body: Body, block: Block): void {
  for (const each of nodesOf(block)) {
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

function finished(body: Body, node: Cpu | HostThread | Procedure | Handler, name: string, entry: number, parameters: number): CompiledProcedure {
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
