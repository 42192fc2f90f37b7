import type { Expr, Unary } from '../generated/ast';
import { OP, eventFieldNames, type ValueType } from '../program';
import { numberOf } from '../syntax/literals';
import type { Body, Operand } from './body';
import { compileWalkField, walkCall } from './asked';
import { compileCall } from './calls';
import { compileNameRef, compileNamedPath, dottedPath, isDeclared } from './names';
import { compileOperation, complement, operationOf } from './operators';
import { compileEntryField } from './entries';
import { compileLoad } from './memoryAccess';
import { compileTableRead } from './tables';
import { replacing } from './fixes';
import { hasSameOwner, ownerNamed, ownerText } from './owners';
import { conversion, described, fits, isAddress, isNumeric, misfitAdvice } from './valueTypes';

/**
 * Compiles an expression. `target` is the register that its last instruction should fill; the operand says where the
 * value is in the end, which may be a variable's own register or a constant.
 */
export function compileExpression(body: Body, node: Expr, target?: number): Operand {
  switch (node.$type) {
    case 'NumberLiteral': {
      const value = numberOf(node.value);
      if (value === undefined) return body.fail(node, 'number-too-large', { image: node.value });
      return { type: 'number', constant: value };
    }
    case 'Text':
      return body.fail(node, 'text-as-value', { text: node.text });
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
      return compileOwned(body, node, target);
  }
}

/** Compiles an expression whose value must fit `wanted`; says what is wrong and how to convert when it does not. */
export function compileAs(body: Body, node: Expr, wanted: ValueType, target?: number): Operand {
  const value = compileExpression(body, node, target);
  return asWanted(body, node, value, wanted);
}

/** The value where `wanted` is wanted, of this VM and the running process; what does not fit is said. */
export function asWanted(body: Body, node: Expr, value: Operand, wanted: ValueType): Operand {
  if (!fits(value.type, wanted)) return { ...saidMisfit(body, node, value.type, wanted), type: wanted };
  const isElsewhere = isAddress(wanted) && value.owner !== undefined && !hasSameOwner(body, value, { type: wanted, constant: 0n });
  if (!isElsewhere) return value;
  body.fail(node, 'wrong-owner', { written: body.written(node), owner: ownerText(body, value.owner, wanted), wanted: ownerText(body, undefined, wanted) });
  return { type: wanted, constant: 0n };
}

/** Says that a value of type `from` cannot stand where `to` is wanted, with the question that converts as a fix. */
export function saidMisfit(body: Body, node: Expr, from: ValueType, to: ValueType): Operand {
  const written = body.written(node);
  const failed = body.fail(node, 'wrong-type', { written, type: described(from), wanted: described(to), advice: misfitAdvice(from, to, written) });
  const question = isAddress(from) && isAddress(to) ? conversion(from, to, written) : undefined;
  if (question !== undefined) body.unit.report.mend(body.source, node, 'wrong-type', replacing(body.source, node, question));
  return failed;
}

/** Compiles a value that counts as true when it is not 0. */
export function compileCondition(body: Body, node: Expr): Operand {
  const value = compileExpression(body, node);
  if (isNumeric(value.type)) return value;
  return body.fail(node, 'not-a-condition', { written: body.written(node), type: described(value.type) });
}

/** Compiles into exactly this register. */
export function compileInto(body: Body, node: Expr, target: number, wanted?: ValueType): ValueType {
  const value = wanted === undefined ? compileExpression(body, node, target) : compileAs(body, node, wanted, target);
  if (value.constant !== undefined) body.unit.code.loadConstant(target, value.constant);
  else if (value.register !== target) body.unit.code.emit(OP.move, target, value.register);
  return value.type;
}

function compileCast(body: Body, space: ValueType, address: Expr, target?: number): Operand {
  const value = compileExpression(body, address, target);
  if (!isNumeric(value.type)) {
    const advice = `name a number after \`${space}:\``;
    return { ...body.fail(address, 'not-an-address', { written: body.written(address), type: described(value.type), advice }), type: space };
  }
  return { ...value, type: space, owner: undefined };
}

/** `alice.gpa:0x5000`, `p.gva:0x600000`: an address of another VM or process. */
function compileOwned(body: Body, node: Extract<Expr, { $type: 'In' }>, target?: number): Operand {
  const path = dottedPath(node.of);
  if (path === undefined) {
    const advice = 'write a VM or process before the address space';
    return body.fail(node.of, 'not-an-address', { written: body.written(node.of), type: 'a value', advice });
  }
  const value = compileCast(body, node.space, node.address, target);
  const owner = ownerNamed(body, node.of, path);
  // What is not there has been told of: it is nobody's business further on.
  return { ...value, owner: owner ?? { written: path.join('.'), vm: body.vm.symbols.vm, process: 0 } };
}

function compileUnary(body: Body, node: Unary, target?: number): Operand {
  const mark = body.mark;
  const value = compileExpression(body, node.of, target);
  if (!isNumeric(value.type)) {
    const written = body.written(node.of);
    return body.fail(node.of, 'needs-number', { written, type: described(value.type), operator: node.op, wanted: 'a number' });
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
  const walked = walkCall(node.of);
  if (walked !== undefined) return compileWalkField(body, node, walked, target);
  return compileEntryField(body, node, target);
}

/** Number of a field of `event`, or -1. */
export function eventFieldNumber(name: string): number {
  return eventFieldNames.findIndex((field) => field === name);
}
