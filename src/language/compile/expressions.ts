import type { Expr, Unary } from '../generated/ast';
import { OP, queries, eventFieldNames, type ValueType } from '../program';
import { numberOf } from '../syntax/literals';
import type { Body, Operand } from './body';
import { compileCall, walkArgument } from './calls';
import { compileNameRef, compileNamedPath, dottedPath, isDeclared } from './names';
import { compileOperation, complement, operationOf } from './operators';
import { compileEntryField } from './entries';
import { compileLoad } from './memoryAccess';
import { compileTableRead } from './tables';
import { walkFields } from './builtins';
import { didYouMean } from './nearestName';
import { described, fits, isAddress, isNumeric, misfit } from './valueTypes';

/**
 * Compiles an expression. `target` is the register that its last instruction should fill; the operand says where the
 * value is in the end, which may be a variable's own register or a constant.
 */
export function compileExpression(body: Body, node: Expr, target?: number): Operand {
  switch (node.$type) {
    case 'NumberLiteral': {
      const value = numberOf(node.value);
      if (value === undefined) return body.fail(node, `\`${node.value}\` is no number of 64 bits; write a smaller one.`);
      return { type: 'number', constant: value };
    }
    case 'Text':
      return compileText(body, node.text, node);
    case 'NameRef':
      return compileNameRef(body, node, target);
    case 'Cast':
      return compileCast(body, node.space, node.address, target);
    case 'Memory':
      return compileLoad(body, node, target);
    case 'Unary':
      return compileUnary(body, node, target);
    case 'Binary':
      return compileOperation(body, operationOf(node), target);
    case 'Field':
      return compileField(body, node, target);
    case 'Index':
      return compileTableRead(body, node, target);
    case 'Call':
      return compileCall(body, node, target);
    case 'In':
      return body.fail(node, `Addresses of another VM or process are not supported yet; switch to the process and write ${node.space}:… alone.`);
  }
}

/** Compiles an expression whose value must fit `wanted`; says what is wrong and how to convert when it does not. */
export function compileAs(body: Body, node: Expr, wanted: ValueType, target?: number): Operand {
  const value = compileExpression(body, node, target);
  if (fits(value.type, wanted)) return value;
  return { ...body.fail(node, misfit(value.type, wanted, body.written(node))), type: wanted };
}

/** Compiles a value that counts as true when it is not 0. */
export function compileCondition(body: Body, node: Expr): Operand {
  const value = compileExpression(body, node);
  if (isNumeric(value.type)) return value;
  return body.fail(node, `\`${body.written(node)}\` is ${described(value.type)} and no condition; compare it with something.`);
}

/** Compiles into exactly this register. */
export function compileInto(body: Body, node: Expr, target: number, wanted?: ValueType): ValueType {
  const value = wanted === undefined ? compileExpression(body, node, target) : compileAs(body, node, wanted, target);
  if (value.constant !== undefined) body.unit.code.loadConstant(target, value.constant);
  else if (value.register !== target) body.unit.code.emit(OP.move, target, value.register);
  return value.type;
}

function compileText(body: Body, text: string, node: Expr): Operand {
  return body.fail(node, `The text "${text}" is no value; a text stands in \`print\`, or beside \`event.kind ==\` in a condition.`);
}

function compileCast(body: Body, space: ValueType, address: Expr, target?: number): Operand {
  const value = compileExpression(body, address, target);
  if (!isNumeric(value.type)) {
    return { ...body.fail(address, `\`${body.written(address)}\` is ${described(value.type)} and no address; name a number after \`${space}:\`.`), type: space };
  }
  return { ...value, type: space };
}

function compileUnary(body: Body, node: Unary, target?: number): Operand {
  const mark = body.mark;
  const value = compileExpression(body, node.of, target);
  if (!isNumeric(value.type)) {
    return body.fail(node.of, `\`${body.written(node.of)}\` is ${described(value.type)}; \`${node.op}\` needs a number.`);
  }
  const { code } = body.unit;
  const type: ValueType = node.op === 'not' ? 'truth' : node.op === '~' && isAddress(value.type) ? value.type : 'number';
  if (value.constant !== undefined) {
    if (node.op === 'not') return { type, constant: value.constant === 0n ? 1n : 0n };
    return { type, constant: node.op === '~' ? complement(value.constant) : BigInt.asUintN(64, -value.constant) };
  }
  if (node.op === '-') {
    const zero = body.inRegister({ type: 'number', constant: 0n });
    body.releaseTo(mark);
    const result = target ?? body.allocate();
    code.emit(OP.subtract, result, zero, value.register);
    return { type, register: result };
  }
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  code.emit(node.op === 'not' ? OP.not : OP.complement, result, value.register);
  return { type, register: result };
}

function compileField(body: Body, node: Extract<Expr, { $type: 'Field' }>, target?: number): Operand {
  const path = dottedPath(node);
  const root = path?.[0];
  if (path !== undefined && root !== undefined && !isDeclared(body, root)) {
    const named = compileNamedPath(body, node, path, target);
    if (named !== undefined) return named;
  }
  const walked = walkArgument(node.of);
  if (walked !== undefined) return compileWalkField(body, node, walked, target);
  return compileEntryField(body, node, target);
}

function compileWalkField(body: Body, node: Extract<Expr, { $type: 'Field' }>, address: Expr, target?: number): Operand {
  const fields: Readonly<Record<string, ValueType>> = walkFields;
  const type = Object.hasOwn(fields, node.field) ? fields[node.field] : undefined;
  if (type === undefined) {
    const names = Object.keys(walkFields);
    return body.fail(node, `A walk has no field \`${node.field}\`${didYouMean(node.field, names)}; it has ${names.join(', ')}.`);
  }
  const question = queries.findIndex((name) => name === `walk.${node.field}`);
  const mark = body.mark;
  const register = body.inRegister(compileAs(body, address, 'gva'));
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.query, result, question, register);
  return { type, register: result };
}

/** Number of a field of `event`, or -1. */
export function eventFieldNumber(name: string): number {
  return eventFieldNames.findIndex((field) => field === name);
}
