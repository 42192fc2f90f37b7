import type { AstNode } from 'langium';
import type { Expr, Field, Memory, Update } from '../generated/ast';
import { OP, RMW, type ValueType } from '../program';
import type { Body, Operand } from './body';
import { compileOperation, type Operation } from './operators';
import { entryBits } from './entryFormat';
import { processFields } from './entries';
import { compileAs, compileExpression } from './expressions';
import { accessSize, compileAddress } from './memoryAccess';
import { isDeclared, isReservedName } from './names';
import { didYouMean } from './nearestName';
import { compileRegisterBitWrite, compileRegisterWrite } from './registerAccess';
import { registerPart, unsupportedRegisters } from './registersAndParts';
import { compileKey, compileTableValue, tableOf } from './tables';
import { described, fits, isNumeric, misfit } from './valueTypes';

/** A statement that assigns, or that stands there for what it calls. */
export function compileUpdate(body: Body, node: Update): void {
  const { target, op, value } = node;
  if (op === undefined || value === undefined) {
    compileAlone(body, target);
    return;
  }
  switch (target.$type) {
    case 'NameRef':
      return compileNameUpdate(body, node, target.name, op, value);
    case 'Memory':
      return compileStore(body, target, op, value);
    case 'Field':
      return compileFieldUpdate(body, node, target, op, value);
    case 'Index': {
      const table = tableOf(body, target);
      if (table === undefined) return;
      const stored = op === '=' ? compileTableValue(body, table, value) : compileCombined(body, node, target, op, value);
      const register = body.inRegister(stored);
      body.unit.code.emit(OP.tableSet, table.index, compileKey(body, target), register);
      return;
    }
    default:
      body.fail(target, `\`${body.written(target)}\` cannot be assigned to; write a variable, a register, a table's key or [address].`);
  }
}

/** A place alone on its line: a call does something, everything else does nothing. */
function compileAlone(body: Body, target: Expr): void {
  if (target.$type === 'Call') {
    compileExpression(body, target);
    const isQuestion = target.of.$type === 'NameRef' && /^(walk|gpa_of|hva_of|hpa_of|pte|pde|pdpte|pml4e|key|bit)$/.test(target.of.name);
    const isRedefined = target.of.$type === 'NameRef' && body.unit.symbols.procedures.has(target.of.name);
    if (isQuestion && !isRedefined) {
      body.fail(target, `\`${body.written(target)}\` alone does nothing; assign it, or put it into expect or print.`);
    }
    return;
  }
  const written = body.written(target);
  if (target.$type === 'Memory') {
    body.fail(target, `\`${written}\` alone does nothing; write x = ${written} to load, or ${written} = … to store.`);
    return;
  }
  const isProcedure = target.$type === 'NameRef' && body.unit.symbols.procedures.has(target.name);
  const advice = isProcedure ? `call it with parentheses: ${written}(…)` : 'assign to it, or remove it';
  body.fail(target, `\`${written}\` alone does nothing; ${advice}.`);
}

const OPERATORS: Readonly<Record<string, Operation['operator']>> = { '+=': '+', '-=': '-', '&=': '&', '|=': '|', '^=': '^' };

/** The old value of the target combined with the new one, for `+=` and the like. */
function compileCombined(body: Body, node: Update, target: Expr, op: string, value: Expr, into?: number): Operand {
  const operator = OPERATORS[op];
  if (operator === undefined) throw new Error(`invariant: ${op} combines nothing`);
  return compileOperation(body, { left: target, right: value, operator, place: node }, into);
}

function compileNameUpdate(body: Body, node: Update, name: string, op: string, value: Expr): void {
  const { unit } = body;
  const variable = body.variable(name);
  const symbol = variable === undefined ? body.scope.find(name) : undefined;
  if (symbol?.kind === 'global') {
    const result = op === '=' ? compileAs(body, value, symbol.type) : compileCombined(body, node, node.target, op, value);
    unit.used.add(name);
    unit.code.emit(OP.globalSet, symbol.index, body.inRegister(result));
    return;
  }
  if (symbol !== undefined) {
    body.fail(node.target, `\`${name}\` is a ${symbol.kind} and cannot be assigned; choose another name.`);
    return;
  }
  if (variable === undefined && registerPart(name) !== undefined) {
    const wanted = registerPart(name)?.type ?? 'number';
    const result = op === '=' ? compileAs(body, value, wanted) : compileCombined(body, node, node.target, op, value);
    compileRegisterWrite(body, name, body.inRegister(result));
    return;
  }
  if (variable === undefined) {
    body.fail(node.target, `\`${name}\` has a meaning of its own and cannot be assigned; choose another name.`);
    return;
  }
  const result = op === '='
    ? compileExpression(body, value, variable.register)
    : compileCombined(body, node, node.target, op, value, variable.register);
  assignVariable(body, value, name, result.type, result);
}

/** Gives a variable a value; its first one decides its type. */
export function assignVariable(body: Body, node: AstNode, name: string, type: ValueType, value: Operand): void {
  const variable = body.declareVariable(name);
  const { code } = body.unit;
  if (type === 'none' || type === 'table' || type === 'text') {
    body.fail(node, `\`${name}\` cannot hold ${described(type)}; assign a number, an address or a process.`);
    return;
  }
  if (variable.type !== undefined && !fits(type, variable.type)) {
    body.fail(node, misfit(type, variable.type, body.written(node)));
    return;
  }
  if (value.constant !== undefined) code.loadConstant(variable.register, value.constant);
  else if (value.register !== variable.register) code.emit(OP.move, variable.register, value.register);
  variable.type ??= type;
  if (variable.since < 0) variable.since = code.here;
}

const READ_MODIFY_WRITE: Readonly<Record<string, number>> = {
  '+=': RMW.add, '-=': RMW.subtract, '&=': RMW.and, '|=': RMW.or, '^=': RMW.xor,
};

/** `[a] = E` is a store; `[a] |= E` is one read-modify-write. The right side comes first, then the address. */
function compileStore(body: Body, target: Memory, op: string, value: Expr): void {
  const { code } = body.unit;
  const operand = compileExpression(body, value);
  if (!isNumeric(operand.type)) {
    body.fail(value, `\`${body.written(value)}\` is ${described(operand.type)} and cannot be stored; store a number or an address.`);
  }
  const register = body.inRegister(operand);
  const address = compileAddress(body, target);
  const size = accessSize(target);
  const operation = READ_MODIFY_WRITE[op];
  if (operation === undefined) code.emit(OP.store, address, register, size);
  else code.emit(OP.readModifyWrite, address, register, size | (operation << 8));
}

function compileFieldUpdate(body: Body, node: Update, target: Field, op: string, value: Expr): void {
  const { of, field } = target;
  if (of.$type === 'NameRef' && !isDeclared(body, of.name)) {
    if (registerPart(of.name) !== undefined) {
      if (op !== '=') body.fail(node, `A register's bit is set with =; write ${body.written(target)} = 1 or = 0.`);
      compileRegisterBitWrite(body, target, of.name, field, value);
      return;
    }
    if (unsupportedRegisters.has(of.name)) {
      body.fail(target, `\`${of.name}\` is not supported yet; the registers are cr0, cr2, cr3, cr4, efer, rflags, pkru and rax … r15.`);
      return;
    }
  }
  if (of.$type === 'Memory') {
    compileEntryBitUpdate(body, of, target, op, value);
    return;
  }
  const object = compileExpression(body, of);
  if (object.type !== 'process') {
    body.fail(target, `\`${body.written(target)}\` cannot be assigned to; write entry [a] |= ${field} or entry [a] &= ~${field}.`);
    return;
  }
  const number = Object.hasOwn(processFields, field) ? processFields[field] : undefined;
  if (number === undefined) {
    body.fail(target, `A process has no field \`${field}\`${didYouMean(field, Object.keys(processFields))}; it has root and pcid.`);
    return;
  }
  const wanted: ValueType = number === 0 ? 'gpa' : 'number';
  const result = op === '=' ? compileAs(body, value, wanted) : compileCombined(body, node, target, op, value);
  body.unit.code.emit(OP.processSet, number, body.inRegister(object), body.inRegister(result));
}

/** `entry [a].RW = 0`: one read-modify-write that sets or clears the bit. */
function compileEntryBitUpdate(body: Body, memory: Memory, target: Field, op: string, value: Expr): void {
  const bit = entryBits.get(target.field);
  const written = body.written(memory);
  const operand = bit === undefined || op !== '=' ? undefined : compileAs(body, value, 'number');
  if (bit === undefined || operand?.constant === undefined) {
    body.fail(target, `Of an entry in memory one bit can be set to 0 or 1; write ${written} |= RW, ${written} &= ~RW, or a whole entry.`);
    return;
  }
  const sets = operand.constant !== 0n;
  const mask = sets ? bit : BigInt.asUintN(64, ~bit);
  const register = body.inRegister({ type: 'number', constant: mask });
  const address = compileAddress(body, memory);
  body.unit.code.emit(OP.readModifyWrite, address, register, accessSize(memory) | ((sets ? RMW.or : RMW.and) << 8));
}

/** Names that a body's assignments make variables, in the order of the text: they get the first registers. */
export function isVariableName(body: Body, name: string): boolean {
  return body.scope.find(name) === undefined && registerPart(name) === undefined && !isReservedName(name);
}
