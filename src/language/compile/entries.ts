import type { Call, Expr, Field } from '../generated/ast';
import { OP } from '../program';
import { hex } from './areas';
import type { Body, Operand } from './body';
import { entryBits, maskBetween, namedFormats, pageBytes, type EntryFormat } from './entryFormat';
import { compileAs, compileExpression } from './expressions';
import { described, isNumeric } from './valueTypes';

/** Reads a field of an entry (`e.P`, `e.frame`, on any number) or of a process (`p.root`). */
export function compileEntryField(body: Body, node: Field, target?: number): Operand {
  const mark = body.mark;
  const value = compileExpression(body, node.of);
  if (value.type === 'process') return compileProcessField(body, node, value, target);
  const { field } = node;
  if (!isNumeric(value.type)) return body.fail(node, 'no-fields', { written: body.written(node.of), type: described(value.type), field });
  const format = entriesHere(body, node, field);
  if (format === undefined) return { type: 'number', constant: 0n };
  if (value.type === 'gva' && (field === 'frame' || format.bits.has(field))) {
    return body.fail(node, 'field-of-address', { written: body.written(node.of), field });
  }
  const bit = format.bits.get(field);
  if (bit === undefined && field !== 'frame') {
    const names = [...format.bits.keys(), 'frame'];
    if (entryBits.has(field)) return body.fail(node, 'entry-bit-mode', { mode: format.mode, name: field, choices: names.join(', ') });
    return body.failName(node, 'unknown-entry-field', field, names, { field, choices: names.join(', ') });
  }
  if (value.constant !== undefined) {
    if (bit === undefined) return { type: 'gpa', constant: value.constant & format.frameMask };
    return { type: 'truth', constant: (value.constant & bit) === 0n ? 0n : 1n };
  }
  const mask = body.inRegister({ type: 'number', constant: bit ?? format.frameMask });
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.and, result, value.register, mask);
  if (bit === undefined) return { type: 'gpa', register: result };
  body.unit.code.emit(OP.truth, result, result);
  return { type: 'truth', register: result };
}

/** Format of the VM's own entries; says so where there are none. */
export function entriesHere(body: Body, node: Expr, name: string): EntryFormat | undefined {
  const { entries } = body.vm.symbols;
  if (entries === undefined) body.fail(node, 'needs-paging', { name });
  return entries;
}

/** Number of a process's field in processGet and processSet. */
export const processFields: Readonly<Record<string, number>> = { root: 0, pcid: 1 };

function compileProcessField(body: Body, node: Field, process: Operand, target?: number): Operand {
  const field = Object.hasOwn(processFields, node.field) ? processFields[node.field] : undefined;
  if (field === undefined) {
    return body.failName(node, 'unknown-process-field', node.field, Object.keys(processFields), { field: node.field });
  }
  const mark = body.mark;
  const register = body.inRegister(process);
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.processGet, result, field, register);
  return { type: field === 0 ? 'gpa' : 'number', register: result };
}

/**
 * `pte(frame, RIGHTS, WORDS…)` and the like: the bits that the rights and words give, and the frame, in one value, in
 * the VM's own format or in that of the word before it (`pae.pte`). Every argument after the frame is a value, so that
 * rights may be passed through a parameter.
 */
export function compileEntryConstructor(body: Body, node: Call, name: string, prefix?: string, target?: number): Operand {
  const format = prefix === undefined ? entriesHere(body, node, name) : namedFormats.get(prefix);
  if (format === undefined) return { type: 'number', constant: 0n };
  const level = format.constructors.get(name);
  if (level === undefined) {
    const choices = [...format.constructors.keys()].join(', ');
    return body.fail(node, 'entry-level-mode', { mode: format.mode, entry: name.toUpperCase(), choices });
  }
  const [frame, rights] = node.args;
  if (frame === undefined || rights === undefined) {
    return body.fail(node, 'entry-arguments', { name, parts: 'a frame and rights', shape: `${name}(frame, rw) or ${name}(frame, rw, user)` });
  }
  const isLarge = node.args.some((word) => word.$type === 'NameRef' && word.name === 'large' && body.variable('large') === undefined);
  for (const word of node.args.slice(1)) refuseWord(body, word, name, level, format);
  return combined(body, node, { format, level, isLarge }, target);
}

interface Made {
  readonly format: EntryFormat;
  readonly level: number;
  readonly isLarge: boolean;
}

function combined(body: Body, node: Call, made: Made, target?: number): Operand {
  const { code } = body.unit;
  const mark = body.mark;
  const result = target ?? body.allocate();
  // Arguments may name the variable that is assigned, so the parts are collected beside it.
  const sum = body.allocate();
  let constant = 0n;
  let parts = 0;
  node.args.forEach((argument, i) => {
    const inner = body.mark;
    const operand = i === 0 ? compileFrame(body, argument, made) : compileWord(body, argument, made.format);
    if (operand.constant !== undefined) constant |= operand.constant;
    else if (parts++ === 0) code.emit(OP.move, sum, operand.register);
    else code.emit(OP.or, sum, sum, operand.register);
    body.releaseTo(inner);
  });
  const kept = keptBits(made);
  if (parts === 0) {
    body.releaseTo(mark);
    return { type: 'number', constant: kept === undefined ? constant : constant & kept };
  }
  code.emit(OP.or, result, sum, body.inRegister({ type: 'number', constant }));
  if (kept !== undefined) code.emit(OP.and, result, result, body.inRegister({ type: 'number', constant: kept }));
  body.releaseTo(target === undefined ? result + 1 : mark);
  return { type: 'number', register: result };
}

/** An entry that does nothing but reference a table has no rights: their bits are reserved in it. */
function keptBits({ format: { format, bits }, level }: Made): bigint | undefined {
  if (format.pointerLevels?.includes(level) !== true) return undefined;
  const fields = format.fields.filter((field) => field.levels.includes(level));
  return fields.reduce((mask, field) => mask | maskBetween(field.bits[0], field.bits[1]), bits.get('P') ?? 0n);
}

/** A right, a word or any number; names mean the bits of the format that is made. */
function compileWord(body: Body, argument: Expr, format: EntryFormat): Operand {
  if (argument.$type === 'NameRef' && body.variable(argument.name) === undefined && body.scope.find(argument.name) === undefined) {
    const value = format.rights.get(argument.name) ?? format.words.get(argument.name) ?? format.bits.get(argument.name);
    if (value !== undefined) return { type: 'number', constant: value };
  }
  return compileAs(body, argument, 'number');
}

function compileFrame(body: Body, argument: Expr, { format, level, isLarge }: Made): Operand {
  const value = compileAs(body, argument, 'gpa');
  const bytes = isLarge ? pageBytes(format, level) : 0x1000n;
  const high = isLarge ? format.format.highFrame : undefined;
  if (value.constant === undefined) {
    if (high === undefined) return value;
    return withHighBits(body, value.register, high.bits, bytes);
  }
  const { constant } = value;
  if (constant % bytes !== 0n) {
    const below = constant - (constant % bytes);
    body.fail(argument, 'frame-misaligned', { frame: hex(constant), size: size(bytes), below: hex(below), above: hex(below + bytes) });
    return value;
  }
  const limit = high === undefined ? format.frameMask : format.frameMask | (maskBetween(high.bits[0] - high.bits[1], 0) << 32n);
  if ((constant & ~limit) !== 0n) {
    const most = 1n << BigInt(limit.toString(2).length);
    body.fail(argument, 'frame-too-high', { frame: hex(constant), entry: levelName(format, level), mode: format.mode, limit: hex(most) });
  }
  if (high === undefined) return value;
  return { type: 'gpa', constant: (constant & 0xffff_ffffn) | ((constant >> 32n) << BigInt(high.bits[1])) };
}

/** A 4-MByte page's entry holds address bits 39:32 in bits 20:13. SDM Vol. 3, "32-Bit Paging". */
function withHighBits(body: Body, register: number, bits: readonly [high: number, low: number], bytes: bigint): Operand {
  const { code } = body.unit;
  const low = body.allocate();
  const high = body.allocate();
  code.emit(OP.and, low, register, body.inRegister({ type: 'number', constant: 0x1_0000_0000n - bytes }));
  code.emit(OP.shiftRight, high, register, body.inRegister({ type: 'number', constant: 32n - BigInt(bits[1]) }));
  code.emit(OP.and, high, high, body.inRegister({ type: 'number', constant: maskBetween(bits[0], bits[1]) }));
  code.emit(OP.or, low, low, high);
  return { type: 'gpa', register: low };
}

function size(bytes: bigint): string {
  return bytes >= 1n << 30n ? `${bytes >> 30n}-GByte` : bytes >= 1n << 20n ? `${bytes >> 20n}-MByte` : `${bytes >> 10n}-KByte`;
}

function levelName({ format }: EntryFormat, level: number): string {
  return format.levelNames[level] ?? '';
}

function refuseWord(body: Body, word: Expr, name: string, level: number, format: EntryFormat): void {
  const entry = levelName(format, level);
  const refuse = (): Operand => body.fail(word, 'word-mode', { entry, mode: format.mode, word: body.written(word) });
  if (word.$type === 'Call' && word.of.$type === 'NameRef') {
    if (word.of.name === 'key' && format.keyShift === undefined) refuse();
    const [bit] = word.args;
    if (word.of.name === 'bit' && format.entryBytes === 4 && bit?.$type === 'NumberLiteral' && Number(bit.value) > 31) refuse();
    return;
  }
  if (word.$type !== 'NameRef' || word.name !== 'large' || body.variable('large') !== undefined) return;
  if (format.largePageLevels.includes(level)) return;
  const choices = format.largePageLevels.map((each) => `${levelName(format, each).toLowerCase()}(…, large)`).join(' or ');
  body.fail(word, 'no-large-page', { entry, choices });
}

const MOST_KEY = 15n;
const MOST_BIT = 63n;

/** `key(3)` and `bit(51)`: values for the words of an entry. */
export function compileEntryNumber(body: Body, node: Call, name: 'key' | 'bit', target?: number): Operand {
  const [number] = node.args;
  if (number === undefined || node.args.length !== 1) return body.fail(node, 'takes-one-number', { name });
  const shift = BigInt(body.vm.symbols.entries?.keyShift ?? keyShift);
  const mark = body.mark;
  const value = compileAs(body, number, 'number');
  const most = name === 'key' ? MOST_KEY : MOST_BIT;
  if (value.constant !== undefined) {
    if (value.constant > most) return body.fail(number, 'number-range', { name, most });
    return { type: 'number', constant: name === 'key' ? value.constant << shift : 1n << value.constant };
  }
  const one = name === 'bit' ? body.inRegister({ type: 'number', constant: 1n }) : value.register;
  const by = name === 'bit' ? value.register : body.inRegister({ type: 'number', constant: shift });
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.shiftLeft, result, one, by);
  return { type: 'number', register: result };
}

const keyShift = namedFormats.get('long')?.keyShift ?? 0;
