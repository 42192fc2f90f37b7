import { exitReasons } from '../../hardware/vmx/exitReasons';
import type { Expr, NameRef } from '../generated/ast';
import type { Symbol } from './symbols';
import { frameStateNumber, frameStateRows } from '../frameStates';
import { OP, type ValueType } from '../program';
import type { Body, Operand } from './body';
import { noteTechnique } from './asked';
import { compileCounter, counterOf, counterPaths } from './counters';
import { entryBits, entryWords, rightsWords } from './entryFormat';
import { eventFieldNumber } from './expressions';
import { isOwner } from './owners';
import { compileRegisterBit, compileRegisterRead } from './registerAccess';
import { instructionShapeOf } from './builtins';
import { appending } from './fixes';
import { registerPart, registerPartNames } from './registersAndParts';
import { compileVmcsRead } from './vmcsFields';
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

/** Values that a name has everywhere in a VM: rights, entry words, bits of its mode, truth values. */
function constantNamed(body: Body, node: NameRef): Operand | undefined {
  const { name } = node;
  if (name === 'true') return { type: 'truth', constant: 1n };
  if (name === 'false') return { type: 'truth', constant: 0n };
  if (!rightsWords.has(name) && !entryBits.has(name) && !entryWords.has(name)) return undefined;
  const { entries, mode } = body.vm.symbols;
  if (entries === undefined) return body.fail(node, 'needs-paging', { name });
  const value = entries.rights.get(name) ?? entries.bits.get(name) ?? entries.words.get(name);
  if (value !== undefined) return { type: 'number', constant: value };
  return body.fail(node, 'entry-bit-mode', { mode: mode.name, name, choices: [...entries.bits.keys()].join(', ') });
}

/** Names that no variable may take: rights, bits and truth values. Entry words like `dirty` stay free. */
export function isReservedName(name: string): boolean {
  return name === 'true' || name === 'false' || rightsWords.has(name) || entryBits.has(name);
}

export function compileNameRef(body: Body, node: NameRef, target?: number): Operand {
  const { name } = node;
  if (body.variable(name) !== undefined) return compileVariable(body, node);
  const symbol = body.scope.find(name);
  if (symbol !== undefined) return compileSymbol(body, node, symbol, target);
  if (registerPart(name) !== undefined) return compileRegisterRead(body, node, name, target);
  const constant = constantNamed(body, node);
  if (constant !== undefined) return constant;
  const counter = counterOf([name]);
  if (counter !== undefined) return compileCounter(body, node, counter, target);
  return unknownName(body, node);
}

function compileVariable(body: Body, node: NameRef): Operand {
  const { name } = node;
  const variable = body.variable(name);
  if (variable?.type === undefined) {
    if (body.unit.lost.has(name)) return { type: 'number', constant: 0n };
    return body.fail(node, 'no-value-yet', { name, advice: body.isLooking ? '' : '; assign it in a line above' });
  }
  variable.isRead = true;
  if (variable.dependsOnTechnique) noteTechnique(body, node, name);
  return { type: variable.type, owner: variable.owner, register: variable.register };
}

function compileSymbol(body: Body, node: NameRef, symbol: Symbol, target?: number): Operand {
  const { name } = node;
  body.vm.used.add(name);
  if (symbol.kind === 'constant') return { type: symbol.type, constant: symbol.value };
  if (symbol.kind === 'process') return { type: 'process', constant: BigInt(symbol.index) };
  if (symbol.kind === 'table') return body.fail(node, 'table-without-key', { name });
  const register = target ?? body.allocate();
  body.unit.code.emit(OP.globalGet, register, symbol.index);
  return { type: symbol.type, register };
}

/** A path that the language gives a meaning: registers' bits, counters, exit reasons, fields of an event. */
export function compileNamedPath(body: Body, node: Expr, path: readonly string[], target?: number): Operand | undefined {
  const [root = '', field = ''] = path;
  const counter = counterOf(path);
  if (counter !== undefined) return compileCounter(body, node, counter, target);
  if (path.length === 2 && registerPart(root) !== undefined) return compileRegisterBit(body, node, root, field, target);
  if (root === 'vmcs' && path.length === 2) return compileVmcsRead(body, node, field, target);
  if (root === 'exit_reason') return exitReason(body, node, field);
  if (root === 'frame_state') return frameState(body, node, field);
  if (root === 'event') return eventField(body, node, field, target);
  const family = counterPaths.filter((name) => name.startsWith(`${root}.`));
  const written = path.join('.');
  if (root === 'total') return body.failName(node, 'unknown-total', path.slice(1).join('.'), counterPaths, { path: written, choices: counterPaths.join(', ') });
  if (root === 'exits') {
    const advice = 'write exits.total or exits. and a reason such as cr_access';
    return body.failName(node, 'unknown-exit-reason', field, exitReasons.map((reason) => reason.key), { name: field, advice });
  }
  if (family.length > 0) return body.failName(node, 'unknown-counter', written, family, { path: written, choices: family.join(', ') });
  return undefined;
}

const REASONS_ADVICE = 'reasons are named as in `vm_exits`, such as ept_violation';

/** The number of an exit reason by its name. */
export function exitReason(body: Body, node: Expr, name: string): Operand {
  const reason = exitReasons.find((row) => row.key === name);
  if (reason !== undefined) return { type: 'number', constant: BigInt(reason.number) };
  return body.failName(node, 'unknown-exit-reason', name, exitReasons.map((row) => row.key), { name, advice: REASONS_ADVICE });
}

function frameState(body: Body, node: Expr, name: string): Operand {
  const number = frameStateNumber(name);
  if (number >= 0) return { type: 'number', constant: BigInt(number) };
  const names = frameStateRows.map((row) => row.name);
  return body.failName(node, 'unknown-frame-state', name, names, { name, choices: names.join(', ') });
}

function eventField(body: Body, node: Expr, name: string, target?: number): Operand {
  if (body.purpose !== 'condition') return noEvent(body, node);
  const number = eventFieldNumber(name);
  if (number < 0) return body.failName(node, 'unknown-event-field', name, eventFieldNames, { name, choices: eventFieldNames.join(', ') });
  const register = target ?? body.allocate();
  body.unit.code.emit(OP.eventField, register, number);
  return { type: EVENT_FIELD_TYPES[name] ?? 'number', register };
}

function noEvent(body: Body, node: Expr): Operand {
  const advice = body.isLooking ? 'the walk panel and the call stack tell what happened' : 'write an expectation instead';
  return body.fail(node, 'event-elsewhere', { advice });
}

export function unknownName(body: Body, node: NameRef): Operand {
  const { name } = node;
  if (body.unit.lost.has(name)) return { type: 'number', constant: 0n };
  if (name === 'event' && body.purpose !== 'condition') return noEvent(body, node);
  if (name === 'event') return body.fail(node, 'event-alone', { choices: `event.${eventFieldNames.join(', event.')}` });
  if (name === 'exits') {
    const advice = body.isLooking ? 'exits.total or exits.REASON' : 'exits.total, exits.REASON, `no exits` or `exits are …`';
    return body.fail(node, 'counter-family', { name, advice });
  }
  const family = counterPaths.filter((path) => path.startsWith(`${name}.`));
  if (family.length > 0) return body.fail(node, 'counter-family', { name, advice: family.join(', ').replace(/, ([^,]*)$/, ' or $1') });
  const procedure = body.vm.symbols.procedures.get(name);
  if (procedure !== undefined) {
    const failed = body.fail(node, 'procedure-without-call', { name });
    body.unit.report.mend(body.source, node, 'procedure-without-call', appending(body.source, node, '()'));
    return failed;
  }
  const shape = instructionShapeOf(name);
  if (shape !== undefined) return body.fail(node, 'instruction-without-call', { name, shape });
  if (isOwner(body, name)) return body.fail(node, 'vm-as-value', { name });
  if (body.unit.slotNames.some((slot) => slot.name === name && slot.vm === body.vm.symbols.vm)) return body.fail(node, 'slot-as-value', { name });
  const candidates = [
    ...body.variableNames(), ...body.scope.allNames(), ...registerPartNames(),
    ...rightsWords.keys(), ...entryBits.keys(), ...entryWords.keys(), ...counterPaths,
  ];
  const advice = body.isLooking ? 'name a variable, a global, a process, a register or a counter' : 'assign a variable or declare a global first';
  return body.failName(node, 'unknown-name', name, candidates, { name, advice });
}
