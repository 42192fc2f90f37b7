import { AstUtils } from 'langium';
import type { Memory, Update } from '../generated/ast';
import { SEGMENT, segmentNames } from '../../hardware/segments/segmentRegisters';
import { OP } from '../program';
import { rangeOf } from '../syntax/sourceText';
import { addressPair } from './asked';
import { hex } from './areas';
import type { Body, Operand } from './body';
import { asWanted, compileAs, compileExpression } from './expressions';
import { inserting, replacing } from './fixes';
import { warnOfStrangeAddress } from './neverExecutes';
import { sayWhoseOfSeveral } from './owners';
import { conversion, described, isAddress, isNumeric } from './valueTypes';

const SIZES: Readonly<Record<string, number>> = { byte: 1, word: 2, dword: 4, qword: 8 };

/** Bytes of an access: those of its word, of the mode's entries, or the mode's own word. */
export function accessSize(body: Body, node: Memory): number {
  const { mode, entries } = body.vm.symbols;
  if (node.size !== 'entry') return node.size === undefined ? mode.wordBytes : (SIZES[node.size] ?? mode.wordBytes);
  if (entries === undefined) body.fail(node, 'no-entries');
  return entries?.entryBytes ?? mode.wordBytes;
}

/** `[a]` as a value: a load in guest code, a look-up that touches nothing everywhere else. */
export function compileLoad(body: Body, node: Memory, target?: number): Operand {
  const size = accessSize(body, node);
  const owned = body.purpose === 'guest' || node.offset !== undefined ? undefined : compileOwnedLook(body, node, size, target);
  if (owned !== undefined) return owned;
  const mark = body.mark;
  const address = compileAddress(body, node);
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  if (body.purpose === 'guest') emitAccess(body, node, OP.load, result, address, size);
  else body.unit.code.emit(OP.peek, result, address, size);
  return { type: 'number', register: result };
}

/** The instruction of an access, with where it is written: a breakpoint can stop right before it. */
export function emitAccess(body: Body, node: Memory, operation: number, a: number, b: number, c: number): void {
  const { accesses, code } = body.unit;
  accesses.push({ instruction: code.here, range: rangeOf(body.source, node) });
  code.emit(operation, a, b, c);
}

/** Register with the linear address in the brackets. */
export function compileAddress(body: Body, node: Memory): number {
  if (node.offset !== undefined) return compileSegmented(body, node, node.offset);
  const value = compileExpression(body, node.segment);
  checkLinear(body, node.segment, value);
  sayWhoseOfSeveral(body, node.segment, value);
  if (value.constant !== undefined) {
    warnOfKernelAccess(body, node, value.constant);
    warnOfMisalignedEntry(body, node, value.constant);
    warnOfStrangeAddress(body, node, value.constant);
  }
  return body.inRegister(value);
}

function checkLinear(body: Body, node: Memory['segment'], value: Operand): void {
  const takesPhysical = body.vm.symbols.paging !== 'on' && value.type === 'gpa';
  const written = body.written(node);
  if (!isNumeric(value.type)) {
    body.fail(node, 'not-an-address', { written, type: described(value.type), advice: 'write a linear address in the brackets' });
  } else if (isAddress(value.type) && value.type !== 'gva' && !takesPhysical) {
    const question = conversion(value.type, 'gva', written);
    const advice = question === undefined ? 'no question leads from there to a linear address' : `write [${question}]`;
    body.fail(node, 'linear-wanted', { written, type: described(value.type), advice });
    if (question !== undefined) body.unit.report.mend(body.source, node, 'linear-wanted', replacing(body.source, node, question));
  } else if (value.owner !== undefined && body.purpose === 'guest') {
    asWanted(body, node, value, value.type);
  }
}

/** A selector has 16 bits. */
const SELECTORS = 0x1_0000n;
const SELECTOR_MASK = 0xffffn;
/** Bytes of a segment in real-address mode. */
const SEGMENT_BYTES = 0x1_0000n;

/**
 * Real mode: the segment times 16 plus the offset, as far as the segment reaches. A number is the selector of some data
 * segment register. SDM Vol. 3, "Real-Address Mode Operation", "Limit Checking".
 */
function compileSegmented(body: Body, node: Memory, offset: Memory['segment']): number {
  const { code } = body.unit;
  if (body.vm.symbols.mode.format !== undefined) {
    const [segment, distance] = [body.written(node.segment), body.written(offset)];
    body.fail(node, 'not-in-real-mode', { segment, offset: distance });
  }
  const base = compileAs(body, node.segment, 'number');
  const far = compileAs(body, offset, 'number');
  const written = body.written(node.segment);
  if (base.constant !== undefined && base.constant >= SELECTORS) body.fail(node, 'not-a-selector', { written });
  const bytes = accessSize(body, node);
  const isWithin = far.constant !== undefined && far.constant + BigInt(bytes) <= SEGMENT_BYTES;
  if (body.purpose === 'guest' && !isWithin) code.emit(OP.segmentLimit, body.inRegister(far), bytes, dataSegment(written));
  if (base.constant !== undefined && far.constant !== undefined) {
    return body.inRegister({ type: 'gva', constant: (base.constant << 4n) + far.constant });
  }
  const sum = body.allocate();
  code.emit(OP.and, sum, body.inRegister(base), body.inRegister({ type: 'number', constant: SELECTOR_MASK }));
  code.emit(OP.shiftLeft, sum, sum, body.inRegister({ type: 'number', constant: 4n }));
  code.emit(OP.add, sum, sum, body.inRegister(far));
  return sum;
}

/** The segment register that is written, or for any other selector one that it could be in. */
function dataSegment(written: string): number {
  const named = segmentNames.findIndex((name) => name === written);
  return named < 0 ? SEGMENT.es : named;
}

/** An entry that lies across two is a slip in the arithmetic of the index. */
function warnOfMisalignedEntry(body: Body, node: Memory, address: bigint): void {
  const bytes = BigInt(body.vm.symbols.entries?.entryBytes ?? 1);
  if (node.size !== 'entry' || address % bytes === 0n) return;
  body.fail(node, 'misaligned-entry', { bytes, address: hex(address), below: hex(address - (address % bytes)) });
}

/** CPL 0 where `user` is gone is legal and easily missed, so a literal address in a user range is pointed out. */
function warnOfKernelAccess(body: Body, node: Memory, address: bigint): void {
  if (body.kind !== 'cpu' || body.purpose !== 'guest' || body.isUser || body.allowsUserPages) return;
  const area = body.vm.areas.find((each) => each.user && each.from <= address && address < each.to);
  if (area === undefined) return;
  body.fail(node, 'kernel-touches-user', { process: body.vm.processNames.get(area.process) ?? '' });
  const statement = AstUtils.getContainerOfType(node, (each): each is Update => each.$type === 'Update');
  if (statement !== undefined) {
    body.unit.report.mend(body.source, node, 'kernel-touches-user', inserting(body.source, statement, 'user '));
  }
}

/** `[p.gva:0x600000]` in an expectation: a look through the tables of another process or VM. */
function compileOwnedLook(body: Body, node: Memory, size: number, target?: number): Operand | undefined {
  if (node.segment.$type !== 'In') return undefined;
  const mark = body.mark;
  const value = compileExpression(body, node.segment);
  checkLinear(body, node.segment, value.owner === undefined ? value : { ...value, owner: undefined });
  sayWhoseOfSeveral(body, node.segment, value);
  const pair = addressPair(body, value);
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.peekOf, result, pair, size);
  return { type: 'number', register: result };
}
