import type { Expr, Field, For, Memory, Update } from '../generated/ast';
import { OP, RMW, type ValueType } from '../program';
import type { Body, Operand } from './body';
import { instructions, questions } from './builtins';
import { entryConstructors } from './entryFormat';
import { compileOperation, type Operation } from './operators';
import { processFields } from './entries';
import { asWanted, compileAs, compileExpression, saidMisfit } from './expressions';
import { appending } from './fixes';
import { accessSize, compileAddress, emitAccess } from './memoryAccess';
import { isDeclared, isReservedName } from './names';
import { compileRegisterBitWrite, compileRegisterWrite } from './registerAccess';
import { registerPart } from './registersAndParts';
import { compileKey, compileTableValue, storeInTable, tableOf } from './tables';
import { described, fits, isAddress, isNumeric } from './valueTypes';
import { compileVmcsWrite } from './vmcsFields';

/** A statement that assigns, or that stands there for what it calls. */
export function compileUpdate(body: Body, node: Update): void {
  const { target, op, value } = node;
  if (op === undefined || value === undefined) {
    compileAlone(body, target);
    return;
  }
  if (body.purpose === 'host' && target.$type !== 'NameRef' && target.$type !== 'Index') {
    body.fail(node, 'host-statement', { what: body.written(target) });
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
      refuseTechnique(body, value);
      storeInTable(body, table, compileKey(body, target), register);
      return;
    }
    default:
      body.fail(target, 'cannot-assign', { written: body.written(target), advice: 'a variable, a register, a table\'s key or [address]' });
  }
}

/** A place alone on its line: a call does something, everything else does nothing. */
function compileAlone(body: Body, target: Expr): void {
  if (target.$type === 'Call') {
    compileExpression(body, target);
    const name = target.of.$type === 'NameRef' ? target.of.name : '';
    if (GIVES_ONLY_A_VALUE.has(name) && !body.vm.symbols.procedures.has(name)) {
      body.fail(target, 'does-nothing', { written: body.written(target), advice: 'assign it, or put it into expect or print' });
    }
    return;
  }
  const written = body.written(target);
  if (target.$type === 'Memory') {
    body.fail(target, 'does-nothing', { written, advice: `write x = ${written} to load, or ${written} = … to store` });
    return;
  }
  const isProcedure = target.$type === 'NameRef' && (body.vm.symbols.procedures.has(target.name) || instructions.has(target.name));
  body.fail(target, 'does-nothing', { written, advice: isProcedure ? `call it with parentheses: ${written}(…)` : 'assign to it, or remove it' });
  if (isProcedure) body.unit.report.mend(body.source, target, 'does-nothing', appending(body.source, target, '()'));
}

/** Calls that do nothing but give a value. */
const GIVES_ONLY_A_VALUE: ReadonlySet<string> = new Set([...Object.keys(questions), ...entryConstructors.keys(), 'walk', 'key', 'bit', 'epte', 'eptp', 'random']);

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
    body.vm.used.add(name);
    refuseTechnique(body, value);
    unit.code.emit(OP.globalSet, symbol.index, body.inRegister(result));
    return;
  }
  if (symbol !== undefined) {
    body.fail(node.target, 'not-a-variable', { name, kind: symbol.kind });
    return;
  }
  if (variable === undefined && registerPart(name) !== undefined) {
    if (body.purpose === 'host') {
      body.fail(node, 'host-statement', { what: name });
      return;
    }
    const wanted = registerPart(name)?.type ?? 'number';
    const result = op === '=' ? compileAs(body, value, wanted) : compileCombined(body, node, node.target, op, value);
    compileRegisterWrite(body, node.target, name, body.inRegister(result));
    return;
  }
  if (variable === undefined) {
    body.fail(node.target, 'name-has-meaning', { name });
    return;
  }
  const result = op === '='
    ? compileExpression(body, value, variable.register)
    : compileCombined(body, node, node.target, op, value, variable.register);
  assignVariable(body, value, name, result.type, result);
}

/** What the host learnt of the technique stays with the host: globals and tables are the guest's too. */
function refuseTechnique(body: Body, value: Expr): void {
  if (body.purpose === 'host' && body.usedTechnique && body.kind !== 'host thread') body.fail(value, 'depends-on-technique', { written: body.written(value) });
}

/** Gives a variable a value; its first one decides its type. */
export function assignVariable(body: Body, node: Expr | For, name: string, type: ValueType, value: Operand): void {
  const variable = body.declareVariable(name);
  const { code } = body.unit;
  if (type === 'none' || type === 'text' || (type === 'table' && body.purpose !== 'host')) {
    body.fail(node, 'cannot-hold', { name, type: described(type) });
    return;
  }
  if (variable.type !== undefined && node.$type !== 'For') {
    if (!fits(type, variable.type)) {
      saidMisfit(body, node, type, variable.type);
      return;
    }
    if (isAddress(variable.type) && variable.owner?.written !== value.owner?.written) asWanted(body, node, { ...value, type }, variable.type);
  } else if (variable.type !== undefined && !fits(type, variable.type)) {
    body.fail(node, 'wrong-type', { written: name, type: described(type), wanted: described(variable.type), advice: '' });
    return;
  }
  if (value.constant !== undefined) code.loadConstant(variable.register, value.constant);
  else if (value.register !== variable.register) code.emit(OP.move, variable.register, value.register);
  if (variable.type === undefined) variable.owner = value.owner;
  variable.type ??= type;
  if (variable.since < 0) variable.since = code.here;
  if (body.purpose === 'host' && body.usedTechnique) variable.dependsOnTechnique = true;
}

const READ_MODIFY_WRITE: Readonly<Record<string, number>> = {
  '+=': RMW.add, '-=': RMW.subtract, '&=': RMW.and, '|=': RMW.or, '^=': RMW.xor,
};

/** `[a] = E` is a store; `[a] |= E` is one read-modify-write. The right side comes first, then the address. */
function compileStore(body: Body, target: Memory, op: string, value: Expr): void {
  refuseWideEntry(body, target, value);
  const operand = compileExpression(body, value);
  if (!isNumeric(operand.type)) {
    body.fail(value, 'cannot-store', { written: body.written(value), type: described(operand.type) });
  }
  const register = body.inRegister(operand);
  const address = compileAddress(body, target);
  const size = accessSize(body, target);
  const operation = READ_MODIFY_WRITE[op];
  if (operation === undefined) emitAccess(body, target, OP.store, address, register, size);
  else emitAccess(body, target, OP.readModifyWrite, address, register, size | (operation << 8));
}

/** EPT entries have 8 bytes, whatever the hypervisor's own paging has. */
function refuseWideEntry(body: Body, target: Memory, value: Expr): void {
  if (target.size !== 'entry' || body.vm.symbols.entries?.entryBytes !== 4 || value.$type !== 'Call' || value.of.$type !== 'NameRef') return;
  const { name } = value.of;
  if (name === 'epte' || name === 'eptp') body.fail(value, 'ept-entry-size', { name, mode: body.vm.symbols.mode.name });
}

function compileFieldUpdate(body: Body, node: Update, target: Field, op: string, value: Expr): void {
  const { of, field } = target;
  if (of.$type === 'NameRef' && !isDeclared(body, of.name)) {
    if (registerPart(of.name) !== undefined) {
      if (op !== '=') body.fail(node, 'register-bit-combined', { written: body.written(target) });
      else compileRegisterBitWrite(body, target, of.name, field, value);
      return;
    }
    if (of.name === 'vmcs') {
      const written = op === '=' ? compileExpression(body, value) : compileCombined(body, node, target, op, value);
      compileVmcsWrite(body, target, field, body.inRegister(written));
      return;
    }
  }
  if (of.$type === 'Memory') {
    compileEntryBitUpdate(body, of, target, op, value);
    return;
  }
  const object = compileExpression(body, of);
  if (object.type !== 'process') {
    body.fail(target, 'cannot-assign', { written: body.written(target), advice: `entry [a] |= ${field} or entry [a] &= ~${field}` });
    return;
  }
  const number = Object.hasOwn(processFields, field) ? processFields[field] : undefined;
  if (number === undefined) {
    body.failName(target, 'unknown-process-field', field, Object.keys(processFields), { field });
    return;
  }
  const wanted: ValueType = number === 0 ? 'gpa' : 'number';
  const result = op === '=' ? compileAs(body, value, wanted) : compileCombined(body, node, target, op, value);
  body.unit.code.emit(OP.processSet, number, body.inRegister(object), body.inRegister(result));
}

/** `entry [a].RW = 0`: one read-modify-write that sets or clears the bit. */
function compileEntryBitUpdate(body: Body, memory: Memory, target: Field, op: string, value: Expr): void {
  const { entries } = body.vm.symbols;
  const bit = entries?.bits.get(target.field);
  const operand = bit === undefined || op !== '=' ? undefined : compileAs(body, value, 'number');
  if (entries === undefined || bit === undefined || operand?.constant === undefined) {
    if (entries === undefined) body.fail(memory, 'no-entries');
    else body.fail(target, 'entry-bit-alone', { memory: body.written(memory) });
    return;
  }
  const sets = operand.constant !== 0n;
  const mask = sets ? bit : BigInt.asUintN(64, ~bit);
  const register = body.inRegister({ type: 'number', constant: mask });
  const address = compileAddress(body, memory);
  emitAccess(body, memory, OP.readModifyWrite, address, register, accessSize(body, memory) | ((sets ? RMW.or : RMW.and) << 8));
}

/** Names that a body's assignments make variables, in the order of the text: they get the first registers. */
export function isVariableName(body: Body, name: string): boolean {
  return body.scope.find(name) === undefined && registerPart(name) === undefined && !isReservedName(name);
}
