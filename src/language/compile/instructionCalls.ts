import type { Call, Expr } from '../generated/ast';
import { instructionNumber, instructionRows, type InstructionRow } from '../instructions';
import { OP } from '../program';
import type { Body, Operand } from './body';
import { instructionShapeOf } from './builtins';
import { emitHandlerEnd } from './handlers';
import { compileAs, compileInto } from './expressions';
import { counted } from './valueTypes';

/** `invlpg(a)`, `cpuid(1)`: what the processor does when the guest runs this. */
export function compileInstruction(body: Body, node: Call, name: string, target?: number): Operand {
  const number = instructionNumber(name);
  const row = number === undefined ? undefined : instructionRows[number];
  if (number === undefined || row === undefined) throw new Error(`invariant: ${name} is no instruction`);
  if (body.purpose === 'host') return body.fail(node, 'host-runs-no-guest', { name });
  if (body.purpose !== 'guest') {
    const advice = body.isLooking ? 'ask a question such as walk(a) instead' : 'write it in a line above';
    return body.fail(node, 'instruction-touches', { name, advice });
  }
  const { operands } = row;
  if (node.args.length !== operands.length) {
    return body.fail(node, 'operand-count', { name, wanted: counted(operands.length, 'operand'), shape: instructionShapeOf(name) ?? name });
  }
  if (name === 'iret') return compileInterruptReturn(body, node);
  if (name === 'stac' || name === 'clac') body.allowsUserPages = name === 'stac';
  const isFixed = row.operation !== OP.instruction;
  return isFixed ? compileFixed(body, row, node.args[0]) : compileNumbered(body, node, number, row, target);
}

/** Those with an operation of their own take one linear address or nothing. */
function compileFixed(body: Body, row: InstructionRow, argument: Expr | undefined): Operand {
  const mark = body.mark;
  const register = argument === undefined ? 0 : body.inRegister(compileAs(body, argument, row.operands[0]?.type ?? 'gva'));
  body.unit.code.emit(row.operation, register);
  body.releaseTo(mark);
  return { type: 'none', register };
}

function compileNumbered(body: Body, node: Call, number: number, row: InstructionRow, target?: number): Operand {
  const { code } = body.unit;
  const mark = body.mark;
  const isEntry = row.name === 'vmlaunch' || row.name === 'vmresume';
  if (row.isHypervisors === true && body.vm.symbols.nested.size === 0) return body.fail(node, 'not-nested');
  const base = body.allocate(Math.max(1, row.operands.length + (row.isAccess === true || row.isVmcs === true ? 1 : 0)));
  row.operands.forEach((operand, i) => {
    const argument = node.args[i];
    if (argument === undefined) return;
    const inner = body.mark;
    const isGuest = isEntry || row.isVmcs === true && isNestedGuest(body, argument);
    if (row.isVmcs === true) code.loadConstant(base + 1, isGuest ? 1n : 0n);
    if (isGuest) code.loadConstant(base + i, nestedGuest(body, argument, row.name));
    else compileInto(body, argument, base + i, operand.type);
    body.releaseTo(inner);
  });
  const [only] = node.args;
  if (row.name === 'random' && only?.$type === 'NumberLiteral' && Number(only.value) === 0) body.fail(only, 'random-of-zero');
  if (row.isAccess === true) code.loadConstant(base + row.operands.length, BigInt(body.vm.symbols.mode.wordBytes));
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  code.emit(OP.instruction, number, base, result);
  return { type: row.result, register: result };
}

function isNestedGuest(body: Body, argument: Expr): boolean {
  return argument.$type === 'NameRef' && body.vm.symbols.nested.has(argument.name);
}

/** The number of the nested guest that a name means. */
function nestedGuest(body: Body, argument: Expr, name: string): bigint {
  const vm = argument.$type === 'NameRef' ? body.vm.symbols.nested.get(argument.name) : undefined;
  if (vm === undefined) body.fail(argument, 'vm-wanted', { name });
  else body.vm.used.add(body.written(argument));
  return BigInt(vm ?? 0);
}

/** `iret()`: as the handler's end, here. */
function compileInterruptReturn(body: Body, node: Call): Operand {
  if (!body.isHandler) return body.fail(node, 'iret-outside-handler');
  emitHandlerEnd(body);
  return { type: 'none', register: 0 };
}
