import type { Expr } from '../generated/ast';
import { OP } from '../program';
import type { Body, Operand } from './body';
import { compileAs } from './expressions';
import { warnOfRefusedWrite } from './neverExecutes';
import { needsLongMode, registerBit, registerBitNames, registerPart, type RegisterPart } from './registersAndParts';

const WHOLE = 64;

/** Reads a register or a part of one. Guest code reads by instruction (MOV from CR3 may exit); the rest only looks. */
export function compileRegisterRead(body: Body, node: Expr, name: string, target?: number): Operand {
  if (!isThere(body, node, name)) return { type: 'number', constant: 0n };
  const part = partNamed(name);
  const { code } = body.unit;
  const result = target ?? body.allocate();
  readWhole(body, part, result);
  if (part.bits === WHOLE) return { type: part.type, register: result };
  const mark = body.mark;
  if (part.shift > 0) {
    code.emit(OP.shiftRight, result, result, body.inRegister({ type: 'number', constant: BigInt(part.shift) }));
  }
  code.emit(OP.and, result, result, body.inRegister({ type: 'number', constant: maskOf(part) }));
  body.releaseTo(mark);
  return { type: 'number', register: result };
}

/** `cr0.WP`: 1 or 0. */
export function compileRegisterBit(body: Body, node: Expr, name: string, bit: string, target?: number): Operand {
  const number = isThere(body, node, name) ? bitNumber(body, node, name, bit) : undefined;
  if (number === undefined) return { type: 'number', constant: 0n };
  const { code } = body.unit;
  const result = target ?? body.allocate();
  readWhole(body, partNamed(name), result);
  const mark = body.mark;
  code.emit(OP.shiftRight, result, result, body.inRegister({ type: 'number', constant: BigInt(number) }));
  code.emit(OP.and, result, result, body.inRegister({ type: 'number', constant: 1n }));
  body.releaseTo(mark);
  return { type: 'number', register: result };
}

/** Writes a register or a part of one from a value that `combine` computes from the old one when it needs it. */
export function compileRegisterWrite(body: Body, node: Expr, name: string, value: number): void {
  if (!isThere(body, node, name)) return;
  const part = partNamed(name);
  const { code } = body.unit;
  if (part.bits === WHOLE) {
    code.emit(OP.registerSet, part.register, value);
    return;
  }
  const mark = body.mark;
  const whole = body.allocate();
  const fresh = body.allocate();
  code.emit(OP.and, fresh, value, body.inRegister({ type: 'number', constant: maskOf(part) }));
  if (part.clearsRest) {
    code.emit(OP.registerSet, part.register, fresh);
  } else {
    if (part.shift > 0) {
      code.emit(OP.shiftLeft, fresh, fresh, body.inRegister({ type: 'number', constant: BigInt(part.shift) }));
    }
    readWhole(body, part, whole);
    const kept = BigInt.asUintN(WHOLE, ~(maskOf(part) << BigInt(part.shift)));
    code.emit(OP.and, whole, whole, body.inRegister({ type: 'number', constant: kept }));
    code.emit(OP.or, whole, whole, fresh);
    code.emit(OP.registerSet, part.register, whole);
  }
  body.releaseTo(mark);
}

/** `cr0.WP = E`: the whole register is read, changed and written, as with MOV. */
export function compileRegisterBitWrite(body: Body, node: Expr, name: string, bit: string, value: Expr): void {
  const number = bitNumber(body, node, name, bit);
  if (number === undefined) return;
  const part = partNamed(name);
  const { code } = body.unit;
  const mark = body.mark;
  const mask = 1n << BigInt(number);
  const wanted = compileAs(body, value, 'number');
  if (wanted.constant !== undefined) warnOfRefusedWrite(body, node, `${name}.${bit}`, wanted.constant);
  const whole = body.allocate();
  if (wanted.constant === undefined) {
    const moved = body.allocate();
    code.emit(OP.truth, moved, wanted.register);
    readWhole(body, part, whole);
    code.emit(OP.shiftLeft, moved, moved, body.inRegister({ type: 'number', constant: BigInt(number) }));
    code.emit(OP.and, whole, whole, body.inRegister({ type: 'number', constant: BigInt.asUintN(WHOLE, ~mask) }));
    code.emit(OP.or, whole, whole, moved);
  } else {
    readWhole(body, part, whole);
    const sets = wanted.constant !== 0n;
    const operand = body.inRegister({ type: 'number', constant: sets ? mask : BigInt.asUintN(WHOLE, ~mask) });
    code.emit(sets ? OP.or : OP.and, whole, whole, operand);
  }
  code.emit(OP.registerSet, part.register, whole);
  body.releaseTo(mark);
}

function readWhole(body: Body, part: RegisterPart, result: number): void {
  body.unit.code.emit(body.purpose === 'guest' ? OP.registerGet : OP.peekRegister, result, part.register);
}

function bitNumber(body: Body, node: Expr, name: string, bit: string): number | undefined {
  const number = registerBit(name, bit);
  if (number !== undefined) return number;
  const names = registerBitNames(name);
  const choices = names.length === 0 ? `\`${name}\` has no named bits` : `it has ${names.join(', ')}`;
  body.failName(node, 'unknown-register-bit', bit, names, { register: name, bit, choices });
  return undefined;
}

/** Host threads have no registers, and 32-bit modes lack some. */
function isThere(body: Body, node: Expr, name: string): boolean {
  const { mode } = body.vm.symbols;
  if (body.kind === 'host thread' && !body.isLooking) {
    body.fail(node, 'host-runs-no-guest', { name });
    return false;
  }
  if (mode.wordBytes === 8 || mode.name === 'none' || !needsLongMode(name)) return true;
  body.fail(node, 'register-absent', { name, mode: mode.name, narrow: 'eax = 3' });
  return false;
}

function partNamed(name: string): RegisterPart {
  const part = registerPart(name);
  if (part === undefined) throw new Error(`invariant: ${name} is no register`);
  return part;
}

function maskOf(part: RegisterPart): bigint {
  return (1n << BigInt(part.bits)) - 1n;
}
