import type { Call, Expr } from '../generated/ast';
import { hostActionNumber, hostActionRows, type HostOperandKind } from '../hostActions';
import { OP } from '../program';
import type { Body, Operand } from './body';
import { compileAs, compileExpression } from './expressions';
import { dottedPath } from './names';
import { ownerWord, sayWhose } from './owners';
import { described, isAddress, isNumeric } from './valueTypes';

/** `host swap_out(a)`: operands in a row of registers, an address with whose it is behind it. */
export function compileHostAction(body: Body, node: Call, name: string, target?: number): Operand {
  const number = hostActionNumber(name);
  const row = number === undefined ? undefined : hostActionRows[number];
  if (number === undefined || row === undefined) throw new Error(`invariant: ${name} is no host action`);
  const refusal = body.unit.catalog.hostActionRefusal(body.unit.platform, name);
  if (refusal !== undefined) return body.fail(node, 'host-action-refused', { name, why: refusal });
  const written = row.operands.filter(({ kind }) => kind !== 'table');
  if (node.args.length !== written.length) {
    const shape = `${name}(${written.map((operand) => operand.name).join(', ')})`;
    const wanted = written.length === 0 ? 'no argument' : written.length === 1 ? 'one argument' : `${written.length} arguments`;
    return body.fail(node, 'argument-count', { name, wanted, count: node.args.length, shape });
  }
  const mark = body.mark;
  const registers = row.operands.reduce((sum, { kind }) => sum + (kind === 'address' ? 2 : 1), 0);
  const base = body.allocate(Math.max(1, registers));
  let at = base;
  row.operands.forEach(({ kind }, i) => {
    const inner = body.mark;
    const argument = node.args[i];
    if (kind === 'address' && argument !== undefined) compileAddressOperand(body, argument, at);
    else place(body, argument === undefined ? madeTable(body, name) : operandOf(body, argument, kind, name), at);
    at += kind === 'address' ? 2 : 1;
    body.releaseTo(inner);
  });
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.hostAction, number, base, result);
  return { type: row.result, register: result };
}

function place(body: Body, operand: Operand, register: number): void {
  if (operand.constant !== undefined) body.unit.code.loadConstant(register, operand.constant);
  else if (operand.register !== register) body.unit.code.emit(OP.move, register, operand.register);
}

/** Each place that calls for a table has one of its own, which it fills anew. */
function madeTable(body: Body, name: string): Operand {
  const { unit } = body;
  const index = unit.declaredTables + unit.madeTables.length;
  unit.madeTables.push(name);
  return { type: 'table', constant: BigInt(index) };
}

function operandOf(body: Body, argument: Expr, kind: HostOperandKind, name: string): Operand {
  if (kind === 'slot') return compileSlot(body, argument, name);
  if (kind === 'gpa') return compileAs(body, argument, 'gpa');
  return compileAs(body, argument, 'number');
}

/** Any address of a VM; a bare number is a linear one. */
function compileAddressOperand(body: Body, node: Expr, register: number): void {
  const value = compileExpression(body, node, register);
  if (!isNumeric(value.type)) {
    body.fail(node, 'not-an-address', { written: body.written(node), type: described(value.type), advice: 'name an address of the guest or the host' });
    return;
  }
  const address: Operand = isAddress(value.type) ? value : { ...value, type: 'gva' };
  if (body.kind === 'host thread') sayWhose(body, node, address);
  place(body, address, register);
  body.unit.code.loadConstant(register + 1, ownerWord(body, address));
}

/** A slot's name: `low`, or `alice.low` of another VM. Only `add_slot` may name one that there is not yet. */
function compileSlot(body: Body, node: Expr, action: string): Operand {
  const path = dottedPath(node);
  const [first = '', second] = path ?? [];
  if (path === undefined || path.length > 2) return body.fail(node, 'slot-wanted', { written: body.written(node) });
  const owner = second === undefined ? undefined : body.unit.vms.find(({ symbols }) => symbols.name === first);
  if (second !== undefined && owner === undefined) return body.fail(node, 'slot-wanted', { written: body.written(node) });
  const { slotNames, vms } = body.unit;
  const vm = owner?.symbols.vm ?? body.vm.symbols.vm;
  const name = second ?? first;
  if (vm < 0) {
    return body.fail(node, 'which-vm', { choices: vms.map(({ symbols }) => `${symbols.name}.${name}`).join(', ') });
  }
  const number = slotNames.findIndex((slot) => slot.name === name && slot.vm === vm);
  const isDeclared = number >= 0 && body.unit.declaredSlots.has(number);
  if (action === 'add_slot') {
    if (isDeclared) body.fail(node, 'slot-exists', { name });
    return { type: 'number', constant: BigInt(Math.max(0, number)) };
  }
  if (number >= 0) return { type: 'number', constant: BigInt(number) };
  const known = slotNames.filter((slot) => slot.vm === vm).map((slot) => slot.name);
  const advice = known.length === 0 ? `declare it with slot ${name} 0 .. 16M ram in \`machine\`` : `there are ${known.join(', ')}`;
  return body.failName(node, 'unknown-slot', name, known, { name, advice });
}
