import { KIND } from '../../hardware/events/eventTable';
import type { AstNode } from 'langium';
import type { Binary, Expr } from '../generated/ast';
import { OP, type ValueType } from '../program';
import { extentOf } from '../syntax/sourceText';
import type { Body, Operand } from './body';
import { compileCondition, compileExpression } from './expressions';
import { namesLayout } from './kernelLayout';
import { dottedPath, exitReason, isDeclared } from './names';
import { replacing } from './fixes';
import { hasSameOwner, ownerText } from './owners';
import { registerPart } from './registersAndParts';
import { conversion, described, isAddress, isNumeric } from './valueTypes';

const WORD = (1n << 64n) - 1n;

export function complement(value: bigint): bigint {
  return value ^ WORD;
}

interface Operator {
  readonly operation: number;
  /** The operands change places: `a > b` is `b < a`. */
  readonly order: 'as written' | 'swapped';
  readonly fold: (a: bigint, b: bigint) => bigint;
}

const truth = (holds: boolean): bigint => (holds ? 1n : 0n);
/** SDM's shifts mask their count; the language's shift everything out instead, as on paper. */
const shift = (by: (a: bigint, b: bigint) => bigint) => (a: bigint, b: bigint): bigint => (b < 64n ? by(a, b) : 0n);

const operators: Readonly<Record<string, Operator>> = {
  '+': { operation: OP.add, order: 'as written', fold: (a, b) => a + b },
  '-': { operation: OP.subtract, order: 'as written', fold: (a, b) => a - b },
  '*': { operation: OP.multiply, order: 'as written', fold: (a, b) => a * b },
  '/': { operation: OP.divide, order: 'as written', fold: (a, b) => (b === 0n ? 0n : a / b) },
  '%': { operation: OP.remainder, order: 'as written', fold: (a, b) => (b === 0n ? 0n : a % b) },
  '&': { operation: OP.and, order: 'as written', fold: (a, b) => a & b },
  '|': { operation: OP.or, order: 'as written', fold: (a, b) => a | b },
  '^': { operation: OP.xor, order: 'as written', fold: (a, b) => a ^ b },
  '<<': { operation: OP.shiftLeft, order: 'as written', fold: shift((a, b) => a << b) },
  '>>': { operation: OP.shiftRight, order: 'as written', fold: shift((a, b) => a >> b) },
  '==': { operation: OP.equal, order: 'as written', fold: (a, b) => truth(a === b) },
  '!=': { operation: OP.notEqual, order: 'as written', fold: (a, b) => truth(a !== b) },
  '<': { operation: OP.less, order: 'as written', fold: (a, b) => truth(a < b) },
  '<=': { operation: OP.lessOrEqual, order: 'as written', fold: (a, b) => truth(a <= b) },
  '>': { operation: OP.less, order: 'swapped', fold: (a, b) => truth(a > b) },
  '>=': { operation: OP.lessOrEqual, order: 'swapped', fold: (a, b) => truth(a >= b) },
};

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

export function isComparison(node: Expr): node is Binary {
  return node.$type === 'Binary' && COMPARISONS.has(node.operator);
}

/** Two expressions and what stands between them; `place` is where an error is shown. */
export interface Operation {
  readonly left: Expr;
  readonly right: Expr;
  readonly operator: Binary['operator'];
  readonly place: AstNode;
}

export function operationOf(node: Binary): Operation {
  return { left: node.left, right: node.right, operator: node.operator, place: node };
}

/** Compiles `left op right`; both sides in order, the result into `target` when one is given. */
export function compileOperation(body: Body, node: Operation, target?: number): Operand {
  if (node.operator === 'and' || node.operator === 'or') return compileJunction(body, node);
  const operator = operators[node.operator];
  if (operator === undefined) throw new Error(`invariant: operator ${node.operator} has no row`);
  const mark = body.mark;
  const left = sideOf(body, node.left, node.right);
  const right = sideOf(body, node.right, node.left);
  const type = resultType(body, node, left, right);
  if (type === undefined) return { type: 'number', constant: 0n };
  const owner = isAddress(type) ? left.owner ?? right.owner : undefined;
  if ((node.operator === '/' || node.operator === '%') && right.constant === 0n) {
    return body.fail(node.right, 'divides-by-zero');
  }
  if (left.constant !== undefined && right.constant !== undefined) {
    return { type, owner, constant: BigInt.asUintN(64, operator.fold(left.constant, right.constant)) };
  }
  warnOfShift(body, node, right);
  warnOfBit(body, node, left, right);
  const a = body.inRegister(left);
  const b = body.inRegister(right);
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  emitOperation(body, operator, result, a, b);
  return { type, owner, register: result };
}

/** One bit is 0 or 1 and equals nothing else. */
function warnOfBit(body: Body, node: Operation, left: Operand, right: Operand): void {
  if ((node.operator !== '==' && node.operator !== '!=') || left.type !== 'truth' || (right.constant ?? 0n) < 2n) return;
  body.fail(node.place, 'always-same', { value: node.operator === '==' ? 'false' : 'true', written: body.written(node.left), bits: 1 });
}

function warnOfShift(body: Body, node: Operation, right: Operand): void {
  if ((node.operator === '<<' || node.operator === '>>') && right.constant !== undefined && right.constant > 63n) {
    body.fail(node.right, 'shift-too-far', { count: right.constant });
  }
}

function emitOperation(body: Body, operator: Operator, result: number, a: number, b: number): void {
  if (operator.order === 'swapped') body.unit.code.emit(operator.operation, result, b, a);
  else body.unit.code.emit(operator.operation, result, a, b);
}

interface RegisterOperand {
  readonly type: ValueType;
  readonly register: number;
}

/** Compiles a comparison so that both sides stay in registers of their own, for printing them. */
export function compileComparison(
  body: Body,
  node: Binary,
): { readonly result: Operand; readonly left: RegisterOperand; readonly right: RegisterOperand } {
  const left = sideOf(body, node.left, node.right);
  const a = body.inRegister(left);
  const right = sideOf(body, node.right, node.left);
  const b = body.inRegister(right);
  const type = resultType(body, operationOf(node), left, right);
  const operator = operators[node.operator];
  const result = body.allocate();
  if (operator !== undefined && type !== undefined) emitOperation(body, operator, result, a, b);
  const shownType = (mine: Operand, other: Operand): ValueType => (
    mine.type === 'number' && isAddress(other.type) && mine.constant !== undefined ? other.type : mine.type
  );
  return {
    result: { type: 'truth', register: result },
    left: { type: shownType(left, right), register: a },
    right: { type: shownType(right, left), register: b },
  };
}

/**
 * A side of an operator; beside `event.kind` and `event.reason` a text or a name that means nothing else is the number of that
 * kind or exit reason.
 */
function sideOf(body: Body, node: Expr, other: Expr): Operand {
  const field = dottedPath(other)?.join('.');
  const name = field === 'event.kind' || field === 'event.reason' ? kindName(body, node) : undefined;
  if (name === undefined) return compileExpression(body, node);
  if (field === 'event.reason') return exitReason(body, node, name);
  const kinds: Readonly<Record<string, number>> = KIND;
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) {
    return body.failName(node, 'unknown-event-kind', name, Object.keys(KIND), { name });
  }
  return { type: 'number', constant: BigInt(kind) };
}

function kindName(body: Body, node: Expr): string | undefined {
  if (node.$type === 'Text') return node.text;
  return node.$type === 'NameRef' && !isDeclared(body, node.name) && registerPart(node.name) === undefined ? node.name : undefined;
}

/** `and`, `or`: the right side is computed only when the left one does not decide. */
function compileJunction(body: Body, node: Operation): Operand {
  const { code } = body.unit;
  const result = body.allocate();
  const out = code.newLabel();
  const left = compileCondition(body, node.left);
  // What the paging mode decides is left out: the library's text of one mode need not mean anything in another.
  if (left.constant !== undefined && namesLayout(body, node.left) && (left.constant === 0n) === (node.operator === 'and')) {
    return { type: 'truth', constant: left.constant === 0n ? 0n : 1n };
  }
  if (left.constant !== undefined) return compileDecided(body, node, left.constant !== 0n, result);
  code.emit(left.type === 'truth' ? OP.move : OP.truth, result, left.register);
  body.releaseTo(result + 1);
  code.jumpOn(node.operator === 'and' ? OP.jumpUnless : OP.jumpIf, result, out);
  moveTruth(body, compileCondition(body, node.right), result);
  body.releaseTo(result + 1);
  code.place(out);
  return { type: 'truth', register: result };
}

/** The left side is known: it is the result, and the right side is only checked; or the right side is the result. */
function compileDecided(body: Body, node: Operation, left: boolean, result: number): Operand {
  if (left === (node.operator === 'or')) {
    body.withoutCode(() => compileCondition(body, node.right));
    return { type: 'truth', constant: left ? 1n : 0n };
  }
  const right = compileCondition(body, node.right);
  if (right.constant !== undefined) return { type: 'truth', constant: right.constant === 0n ? 0n : 1n };
  moveTruth(body, right, result);
  body.releaseTo(result + 1);
  return { type: 'truth', register: result };
}

function moveTruth(body: Body, value: Operand, result: number): void {
  const { code } = body.unit;
  if (value.constant !== undefined) code.loadConstant(result, value.constant === 0n ? 0n : 1n);
  else code.emit(value.type === 'truth' ? OP.move : OP.truth, result, value.register);
}

/** Type of the result; undefined after an error has been reported. */
function resultType(body: Body, node: Operation, left: Operand, right: Operand): ValueType | undefined {
  const isComparing = COMPARISONS.has(node.operator);
  if (isComparing && left.type === 'process' && right.type === 'process') return 'truth';
  for (const [side, value] of [[node.left, left], [node.right, right]] as const) {
    if (isNumeric(value.type)) continue;
    body.fail(side, 'needs-number', { written: body.written(side), type: described(value.type), operator: node.operator, wanted: 'numbers or addresses' });
    return undefined;
  }
  if (isComparing) {
    // In parentheses of its own, `not` is meant as it stands.
    const isBare = body.written(node.left).startsWith('not') && !body.source.text.slice(extentOf(node.left).end).trimStart().startsWith(')');
    if (isBare && node.left.$type === 'Unary' && node.left.op === 'not' && right.type !== 'truth') {
      const condition = `${body.written(node.left.of)} ${node.operator} ${body.written(node.right)}`;
      body.fail(node.place, 'not-binds-tighter', { operator: node.operator, condition });
      body.unit.report.mend(body.source, node.place, 'not-binds-tighter', replacing(body.source, node.place, `not (${condition})`));
      return undefined;
    }
    return sameSpace(body, node, left, right) ? 'truth' : undefined;
  }
  const { operator } = node;
  if (operator === '<<' || operator === '>>' || operator === '*' || operator === '/' || operator === '%') return 'number';
  if (operator === '-' && isAddress(right.type)) {
    if (!isAddress(left.type)) return 'number';
    return sameSpace(body, node, left, right) ? 'number' : undefined;
  }
  if (operator === '+' && isAddress(left.type) && isAddress(right.type)) {
    body.fail(node.place, 'added-addresses', { space: right.type });
    return undefined;
  }
  if (!sameSpace(body, node, left, right)) return undefined;
  return isAddress(left.type) ? left.type : isAddress(right.type) ? right.type : 'number';
}

function sameSpace(body: Body, node: Operation, left: Operand, right: Operand): boolean {
  if (!isAddress(left.type) || !isAddress(right.type)) return true;
  const [from, to] = [left.type, right.type];
  const names = { left: body.written(node.left), right: body.written(node.right) };
  if (from === to) {
    if (hasSameOwner(body, left, right)) return true;
    body.fail(node.place, 'two-owners', { ...names, leftOwner: ownerText(body, left.owner, from), rightOwner: ownerText(body, right.owner, to) });
    return false;
  }
  const question = conversion(from, to, names.left) ?? conversion(to, from, names.right);
  const advice = question === undefined ? 'no question leads from one to the other' : `write ${question}`;
  body.fail(node.place, 'two-spaces', { ...names, leftType: described(from), rightType: described(to), advice });
  return false;
}
