import type { Expr, Index } from '../generated/ast';
import { OP } from '../program';
import type { Body, Operand } from './body';
import { compileAs, compileExpression } from './expressions';
import { didYouMean } from './nearestName';
import type { TableSymbol } from './symbols';
import { described, isNumeric } from './valueTypes';

/** `t[k]`, `t[k, j]`: an absent key reads 0. */
export function compileTableRead(body: Body, node: Index, target?: number): Operand {
  const table = tableOf(body, node);
  if (table === undefined) return { type: 'number', constant: 0n };
  const mark = body.mark;
  const key = compileKey(body, node);
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.tableGet, result, table.index, key);
  return { type: table.values, register: result };
}

/** The table that is indexed; undefined after an error has been reported. */
export function tableOf(body: Body, node: Index): TableSymbol | undefined {
  const { of } = node;
  if (of.$type !== 'NameRef') {
    body.fail(of, `\`${body.written(of)}\` is no table; only a name declared with \`table\` has keys.`);
    return undefined;
  }
  const symbol = body.variable(of.name) === undefined ? body.scope.find(of.name) : undefined;
  if (symbol?.kind === 'table') {
    body.unit.used.add(of.name);
    return symbol;
  }
  if (body.unit.lost.has(of.name)) return undefined;
  const tables = body.scope.allNames().filter((name) => body.scope.find(name)?.kind === 'table');
  const listed = tables.length === 0 ? 'the scenario has none' : `there are ${tables.join(', ')}`;
  const advice = body.isLooking ? listed : `declare it with \`table ${of.name}\``;
  body.fail(of, `There is no table \`${of.name}\`${didYouMean(of.name, tables)}; ${advice}.`);
  return undefined;
}

/** Register with the key. Two keys are folded into one: key1 * 2^32 ^ key2. */
export function compileKey(body: Body, node: Index): number {
  const [first, second] = node.keys;
  if (first === undefined || node.keys.length > 2) {
    body.fail(node, 'A table takes one key or two; write t[k] or t[k, j].');
    return body.inRegister({ type: 'number', constant: 0n });
  }
  const key = keyValue(body, first);
  if (second === undefined) return body.inRegister(key);
  const { code } = body.unit;
  const folded = body.allocate();
  const high = body.inRegister(key);
  code.emit(OP.shiftLeft, folded, high, body.inRegister({ type: 'number', constant: 32n }));
  code.emit(OP.xor, folded, folded, body.inRegister(keyValue(body, second)));
  return folded;
}

/** Any number or address is a key; a process is one by its number. */
function keyValue(body: Body, node: Expr): Operand {
  const value = compileExpression(body, node);
  if (value.type === 'process' || isNumeric(value.type)) return value;
  return body.fail(node, `\`${body.written(node)}\` is ${described(value.type)} and no key; use a number or an address.`);
}

/** `t[k] = E` stores any number or address; a process is stored by its number. */
export function compileTableValue(body: Body, table: TableSymbol, node: Expr): Operand {
  const value = compileExpression(body, node);
  if (value.type === table.values || value.type === 'process') return value;
  return compileFits(body, node, value);
}

function compileFits(body: Body, node: Expr, value: Operand): Operand {
  return isNumeric(value.type) ? value : compileAs(body, node, 'number');
}
