import type { Call, Expr, Field } from '../generated/ast';
import { OP } from '../program';
import type { Body, Operand } from './body';
import { entryBits, entryConstructors, entryWords, frameMask, keyShift, largePageLevels } from './entryFormat';
import { compileAs, compileExpression } from './expressions';
import { didYouMean } from './nearestName';
import { described, isNumeric } from './valueTypes';

/** Reads a field of an entry (`e.P`, `e.frame`, on any number) or of a process (`p.root`). */
export function compileEntryField(body: Body, node: Field, target?: number): Operand {
  const mark = body.mark;
  const value = compileExpression(body, node.of);
  if (value.type === 'process') return compileProcessField(body, node, value, target);
  if (!isNumeric(value.type)) {
    return body.fail(node, `\`${body.written(node.of)}\` is ${described(value.type)} and has no field \`${node.field}\`; name an entry or a process.`);
  }
  const bit = entryBits.get(node.field);
  if (bit === undefined && node.field !== 'frame') {
    const names = [...entryBits.keys(), 'frame'];
    return body.fail(node, `An entry has no field \`${node.field}\`${didYouMean(node.field, names)}; it has ${names.join(', ')}.`);
  }
  if (value.constant !== undefined) {
    if (bit === undefined) return { type: 'gpa', constant: value.constant & frameMask };
    return { type: 'truth', constant: (value.constant & bit) === 0n ? 0n : 1n };
  }
  const mask = body.inRegister({ type: 'number', constant: bit ?? frameMask });
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.and, result, value.register, mask);
  if (bit === undefined) return { type: 'gpa', register: result };
  body.unit.code.emit(OP.truth, result, result);
  return { type: 'truth', register: result };
}

/** Number of a process's field in processGet and processSet. */
export const processFields: Readonly<Record<string, number>> = { root: 0, pcid: 1 };

function compileProcessField(body: Body, node: Field, process: Operand, target?: number): Operand {
  const field = Object.hasOwn(processFields, node.field) ? processFields[node.field] : undefined;
  if (field === undefined) {
    return body.fail(node, `A process has no field \`${node.field}\`; it has root and pcid.`);
  }
  const mark = body.mark;
  const register = body.inRegister(process);
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.processGet, result, field, register);
  return { type: field === 0 ? 'gpa' : 'number', register: result };
}

/**
 * `pte(frame, RIGHTS, WORDS…)` and the like: the bits that the rights and words give, and the frame, in one value.
 * Every argument after the frame is a value, so that rights may be passed through a parameter.
 */
export function compileEntryConstructor(body: Body, node: Call, name: string, target?: number): Operand {
  const level = entryConstructors.get(name) ?? 1;
  const [frame, rights] = node.args;
  if (frame === undefined || rights === undefined) {
    return body.fail(node, `\`${name}\` makes an entry of a frame and rights; write ${name}(frame, rw) or ${name}(frame, rw, user).`);
  }
  for (const word of node.args) refuseWord(body, word, name, level);
  const { code } = body.unit;
  const mark = body.mark;
  const result = target ?? body.allocate();
  // Arguments may name the variable that is assigned, so the parts are collected beside it.
  const sum = body.allocate();
  let constant = 0n;
  let parts = 0;
  node.args.forEach((argument, i) => {
    const inner = body.mark;
    const operand = compileAs(body, argument, i === 0 ? 'gpa' : 'number');
    if (operand.constant !== undefined) constant |= operand.constant;
    else if (parts++ === 0) code.emit(OP.move, sum, operand.register);
    else code.emit(OP.or, sum, sum, operand.register);
    body.releaseTo(inner);
  });
  if (parts === 0) {
    body.releaseTo(mark);
    return { type: 'number', constant };
  }
  code.emit(OP.or, result, sum, body.inRegister({ type: 'number', constant }));
  body.releaseTo(target === undefined ? result + 1 : mark);
  return { type: 'number', register: result };
}

function refuseWord(body: Body, word: Expr, name: string, level: number): void {
  if (word.$type !== 'NameRef' || word.name !== 'large' || body.variable('large') !== undefined) return;
  if (largePageLevels.includes(level)) return;
  body.fail(word, `A ${name.toUpperCase()} cannot map a large page; use pde(…, large) or pdpte(…, large).`);
}

/** `key(3)` and `bit(51)`: values for the words of an entry. */
export function compileEntryNumber(body: Body, node: Call, name: 'key' | 'bit', target?: number): Operand {
  const [number] = node.args;
  if (number === undefined || node.args.length !== 1) {
    return body.fail(node, `\`${name}\` takes one number; write ${name}(3).`);
  }
  const mark = body.mark;
  const value = compileAs(body, number, 'number');
  const most = name === 'key' ? 15n : 63n;
  if (value.constant !== undefined) {
    if (value.constant > most) return body.fail(number, `\`${name}\` goes from 0 to ${most}; write a number in that range.`);
    return { type: 'number', constant: name === 'key' ? value.constant << BigInt(keyShift) : 1n << value.constant };
  }
  const one = name === 'bit' ? body.inRegister({ type: 'number', constant: 1n }) : value.register;
  const by = name === 'bit' ? value.register : body.inRegister({ type: 'number', constant: BigInt(keyShift) });
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.shiftLeft, result, one, by);
  return { type: 'number', register: result };
}

/** Words that an entry constructor takes, for completion. */
export const constructorWords: readonly string[] = [...entryWords.keys()];
