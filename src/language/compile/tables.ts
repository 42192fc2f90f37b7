import type { Expr, Index } from '../generated/ast';
import { OP, type ValueType } from '../program';
import type { Body, Operand } from './body';
import { asWanted, compileExpression } from './expressions';
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
  if ('register' in table) body.unit.code.emit(OP.tableGetOf, result, table.register, key);
  else body.unit.code.emit(OP.tableGet, result, table.index, key);
  return { type: table.values, register: result };
}

/** A table that a name means: declared, or passed in a variable, which holds its number. */
export type NamedTable = TableSymbol | { readonly register: number; readonly values: ValueType };

/** The table that is indexed; undefined after an error has been reported. */
export function tableOf(body: Body, node: Index): NamedTable | undefined {
  const { of } = node;
  if (of.$type !== 'NameRef') {
    body.fail(of, 'not-a-table', { written: body.written(of) });
    return undefined;
  }
  return tableNamed(body, of, of.name);
}

function tableNamed(body: Body, of: Expr, name: string): NamedTable | undefined {
  const variable = body.variable(name);
  if (variable?.type === 'table') {
    variable.isRead = true;
    return { register: variable.register, values: 'number' };
  }
  const symbol = variable === undefined ? body.scope.find(name) : undefined;
  if (symbol?.kind === 'table') {
    body.vm.used.add(name);
    return symbol;
  }
  if (body.unit.lost.has(name)) return undefined;
  if (name === 'user') {
    body.fail(of, 'user-in-value', {});
    return undefined;
  }
  const tables = body.scope.allNames().filter((each) => body.scope.find(each)?.kind === 'table');
  const listed = tables.length === 0 ? 'the scenario has none' : `there are ${tables.join(', ')}`;
  const advice = body.isLooking ? listed : `declare it with \`table ${name}\``;
  body.failName(of, 'unknown-table', name, tables, { name, advice });
  return undefined;
}

/** A table as an argument: its number. */
export function tableNumber(body: Body, node: Expr): Operand {
  const table = node.$type === 'NameRef' ? tableNamed(body, node, node.name) : undefined;
  if (table === undefined) {
    if (node.$type !== 'NameRef') body.fail(node, 'not-a-table', { written: body.written(node) });
    return { type: 'table', constant: 0n };
  }
  return 'register' in table ? { type: 'table', register: table.register } : { type: 'table', constant: BigInt(table.index) };
}

/** `t[k] = E`. */
export function storeInTable(body: Body, table: NamedTable, key: number, value: number): void {
  if ('register' in table) body.unit.code.emit(OP.tableSetOf, table.register, key, value);
  else body.unit.code.emit(OP.tableSet, table.index, key, value);
}

/** Register with the key. Two keys are folded into one: key1 * 2^32 ^ key2. */
export function compileKey(body: Body, node: Index): number {
  const [first, second] = node.keys;
  if (first === undefined || node.keys.length > 2) {
    body.fail(node, 'key-count');
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
  return body.fail(node, 'not-a-key', { written: body.written(node), type: described(value.type) });
}

/** `t[k] = E` stores any number or address; a process is stored by its number. */
export function compileTableValue(body: Body, table: NamedTable, node: Expr): Operand {
  const value = compileExpression(body, node);
  if (value.type === table.values || value.type === 'process') return value;
  return isNumeric(value.type) ? value : asWanted(body, node, value, 'number');
}
