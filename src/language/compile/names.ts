import { exitReasons } from '../../hardware/vmx/exitReasons';
import type { Expr, NameRef } from '../generated/ast';
import { OP, type ValueType } from '../program';
import type { Body, Operand } from './body';
import { compileCounter, counterOf, counterPaths } from './counters';
import { entryBits, entryWords, rightsWords } from './entryFormat';
import { eventFieldNumber } from './expressions';
import { didYouMean } from './nearestName';
import { compileRegisterBit, compileRegisterRead } from './registerAccess';
import { registerPart, registerPartNames, unsupportedRegisters } from './registersAndParts';
import { eventFieldNames } from '../program';

const EVENT_FIELD_TYPES: Readonly<Record<string, ValueType>> = { gva: 'gva', gpa: 'gpa', hva: 'hva', hpa: 'hpa' };

/** `tlb.hits` as its words, or undefined when the expression is not a name with fields. */
export function dottedPath(node: Expr): readonly string[] | undefined {
  if (node.$type === 'NameRef') return [node.name];
  if (node.$type !== 'Field') return undefined;
  const before = dottedPath(node.of);
  return before === undefined ? undefined : [...before, node.field];
}

/** True when the name is a variable, global, table or process here, whatever else it may mean. */
export function isDeclared(body: Body, name: string): boolean {
  return body.variable(name) !== undefined || body.scope.find(name) !== undefined;
}

/** Values that a name has everywhere: rights, entry words, bits, truth values. */
export function constantNamed(name: string): Operand | undefined {
  if (name === 'true') return { type: 'truth', constant: 1n };
  if (name === 'false') return { type: 'truth', constant: 0n };
  const value = rightsWords.get(name) ?? entryBits.get(name) ?? entryWords.get(name);
  return value === undefined ? undefined : { type: 'number', constant: value };
}

/** Names that no variable may take: rights, bits and truth values. Entry words like `dirty` stay free. */
export function isReservedName(name: string): boolean {
  return name === 'true' || name === 'false' || rightsWords.has(name) || entryBits.has(name);
}

export function compileNameRef(body: Body, node: NameRef, target?: number): Operand {
  const { name } = node;
  const variable = body.variable(name);
  if (variable !== undefined) {
    if (variable.type === undefined) {
      if (body.unit.lost.has(name)) return { type: 'number', constant: 0n };
      return body.fail(node, `\`${name}\` has no value yet${body.isLooking ? '' : '; assign it in a line above'}.`);
    }
    variable.isRead = true;
    return { type: variable.type, register: variable.register };
  }
  const symbol = body.scope.find(name);
  if (symbol !== undefined) {
    body.unit.used.add(name);
    if (symbol.kind === 'process') return { type: 'process', constant: BigInt(symbol.index) };
    if (symbol.kind === 'table') {
      return body.fail(node, `\`${name}\` is a table; name a key: ${name}[…].`);
    }
    const register = target ?? body.allocate();
    body.unit.code.emit(OP.globalGet, register, symbol.index);
    return { type: symbol.type, register };
  }
  if (registerPart(name) !== undefined) return compileRegisterRead(body, name, target);
  const constant = constantNamed(name);
  if (constant !== undefined) return constant;
  const counter = counterOf([name]);
  if (counter !== undefined) return compileCounter(body, node, counter, target);
  return unknownName(body, node);
}

/** A path that the language gives a meaning: registers' bits, counters, exit reasons, fields of an event. */
export function compileNamedPath(body: Body, node: Expr, path: readonly string[], target?: number): Operand | undefined {
  const [root = '', field = ''] = path;
  const counter = counterOf(path);
  if (counter !== undefined) return compileCounter(body, node, counter, target);
  if (path.length === 2 && registerPart(root) !== undefined) return compileRegisterBit(body, node, root, field, target);
  if (unsupportedRegisters.has(root)) {
    return body.fail(node, `\`${root}\` is not supported yet; the registers are cr0, cr2, cr3, cr4, efer, rflags, pkru and rax … r15.`);
  }
  if (root === 'exit_reason') return exitReason(body, node, field);
  if (root === 'event') return eventField(body, node, field, target);
  const family = counterPaths.filter((name) => name.startsWith(`${root}.`));
  if (root === 'total') return body.fail(node, `\`${path.join('.')}\` is no counter; after \`total.\` comes one of ${counterPaths.join(', ')}.`);
  if (root === 'exits') {
    const reasons = exitReasons.map((reason) => reason.key);
    return body.fail(node, `\`${field}\` is no exit reason${didYouMean(field, reasons)}; write exits.total or exits. and a reason such as cr_access.`);
  }
  if (family.length > 0) {
    const message = `\`${path.join('.')}\` is no counter${didYouMean(path.join('.'), family)}; there are ${family.join(', ')}.`;
    return body.fail(node, message);
  }
  return undefined;
}

function exitReason(body: Body, node: Expr, name: string): Operand {
  const reason = exitReasons.find((row) => row.key === name);
  if (reason !== undefined) return { type: 'number', constant: BigInt(reason.number) };
  const keys = exitReasons.map((row) => row.key);
  return body.fail(node, `\`${name}\` is no exit reason${didYouMean(name, keys)}; reasons are named as in \`vm_exits\`, such as ept_violation.`);
}

function eventField(body: Body, node: Expr, name: string, target?: number): Operand {
  if (body.purpose !== 'condition') return noEvent(body, node);
  const number = eventFieldNumber(name);
  if (number < 0) {
    return body.fail(node, `An event has no field \`${name}\`${didYouMean(name, eventFieldNames)}; it has ${eventFieldNames.join(', ')}.`);
  }
  const register = target ?? body.allocate();
  body.unit.code.emit(OP.eventField, register, number);
  return { type: EVENT_FIELD_TYPES[name] ?? 'number', register };
}

function noEvent(body: Body, node: Expr): Operand {
  const advice = body.isLooking ? 'the walk panel and the call stack tell what happened' : 'write an expectation instead';
  return body.fail(node, `\`event\` exists only in the conditions of breakpoints; ${advice}.`);
}

export function unknownName(body: Body, node: NameRef): Operand {
  const { name } = node;
  if (body.unit.lost.has(name)) return { type: 'number', constant: 0n };
  if (name === 'event' && body.purpose !== 'condition') return noEvent(body, node);
  if (name === 'event') return body.fail(node, `\`event\` is what happened; name one of its fields: event.${eventFieldNames.join(', event.')}.`);
  if (name === 'exits') {
    const claims = body.isLooking ? 'exits.total or exits.REASON' : 'exits.total, exits.REASON, `no exits` or `exits are …`';
    return body.fail(node, `\`exits\` is a family of counters; write ${claims}.`);
  }
  if (unsupportedRegisters.has(name)) {
    return body.fail(node, `\`${name}\` is not supported yet; the registers are cr0, cr2, cr3, cr4, efer, rflags, pkru and rax … r15.`);
  }
  if (body.unit.symbols.procedures.has(name)) {
    return body.fail(node, `\`${name}\` is a procedure; call it with parentheses: ${name}(…).`);
  }
  const candidates = [
    ...body.variableNames(), ...body.scope.allNames(), ...registerPartNames(),
    ...rightsWords.keys(), ...entryBits.keys(), ...entryWords.keys(), ...counterPaths,
  ];
  const advice = body.isLooking ? 'name a variable, a global, a process, a register or a counter' : 'assign a variable or declare a global first';
  return body.fail(node, `There is no \`${name}\` here${didYouMean(name, candidates)}; ${advice}.`);
}
