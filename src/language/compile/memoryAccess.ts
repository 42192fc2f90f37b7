import type { Memory } from '../generated/ast';
import { OP } from '../program';
import type { Body, Operand } from './body';
import { entryBytes } from './entryFormat';
import { compileExpression } from './expressions';
import { conversion, described, isAddress, isNumeric } from './valueTypes';

const SIZES: Readonly<Record<string, number>> = { byte: 1, word: 2, dword: 4, qword: 8, entry: entryBytes };
/** Plain `[a]` is the mode's own word: 8 bytes in 4-level paging. */
const MODE_WORD = 8;

export function accessSize(node: Memory): number {
  return node.size === undefined ? MODE_WORD : (SIZES[node.size] ?? MODE_WORD);
}

/** `[a]` as a value: a load in guest code, a look-up that touches nothing everywhere else. */
export function compileLoad(body: Body, node: Memory, target?: number): Operand {
  const mark = body.mark;
  const address = compileAddress(body, node);
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(body.purpose === 'guest' ? OP.load : OP.peek, result, address, accessSize(node));
  return { type: 'number', register: result };
}

/** Register with the linear address in the brackets. */
export function compileAddress(body: Body, node: Memory): number {
  if (node.offset !== undefined) {
    body.fail(node, 'Segments are not supported yet; write the linear address alone: [segment * 16 + offset].');
  }
  const value = compileExpression(body, node.segment);
  const takesPhysical = body.unit.symbols.paging === 'off at first' && value.type === 'gpa';
  if (!isNumeric(value.type)) {
    body.fail(node.segment, `\`${body.written(node.segment)}\` is ${described(value.type)} and no address; write a linear address in the brackets.`);
  } else if (isAddress(value.type) && value.type !== 'gva' && !takesPhysical) {
    const written = body.written(node.segment);
    const question = conversion(value.type, 'gva', written);
    const advice = question === undefined ? 'no question leads from there to a linear address' : `write [${question}]`;
    body.fail(node.segment, `\`${written}\` is ${described(value.type)}, and the guest's own code uses linear addresses (gva); ${advice}.`);
  }
  if (value.constant !== undefined) warnOfKernelAccess(body, node, value.constant);
  return body.inRegister(value);
}

/** CPL 0 where `user` is gone is legal and easily missed, so a literal address in a user range is pointed out. */
function warnOfKernelAccess(body: Body, node: Memory, address: bigint): void {
  if (body.kind !== 'cpu' || body.purpose !== 'guest' || body.isUser || body.allowsUserPages) return;
  const area = body.unit.areas.find((each) => each.user && each.from <= address && address < each.to);
  if (area === undefined) return;
  const name = body.unit.processNames[area.process] ?? '';
  const message =
    `The kernel (CPL 0) touches a user range of process ${name} here; write \`user\` before it, or stac() above it when that is meant.`;
  body.unit.report.warning(body.source, node, message);
}
