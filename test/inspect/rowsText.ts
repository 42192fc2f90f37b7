import { machineScopes } from '../../src/inspect/machineScopes';
import type { Row, Rows } from '../../src/inspect/rows';
import type { StoppedMachine } from '../../src/inspect/stoppedMachine';

/** Rows as an indented text; of containers only those that `unfold` names are opened. */
export function rowsText(rows: Rows, unfold: (row: Row) => boolean = () => true, indent = ''): string {
  return list(rows).map((row) => {
    const below = row.below !== undefined && unfold(row) ? rowsText(row.below, unfold, `${indent}  `) : '';
    return `${indent}${row.name} = ${row.value}\n${below}`;
  }).join('');
}

export function list(rows: Rows): readonly Row[] {
  return rows.kind === 'named' ? rows.all() : rows.slice(0, rows.count);
}

/** The rows of a scope, seen from a CPU. */
export function scopeRows(target: StoppedMachine, name: string, actor = 0): Rows {
  const scope = machineScopes(target, actor).find((each) => each.name === name);
  if (scope === undefined) throw new Error(`there is no scope ${name}, only ${machineScopes(target, actor).map((each) => each.name).join(', ')}`);
  return scope.rows;
}

/** The row on the way that these names are. */
export function rowAt(rows: Rows, ...path: readonly (string | RegExp)[]): Row {
  const [name, ...rest] = path;
  const row = list(rows).find((each) => (name instanceof RegExp ? name.test(each.name) : each.name === name));
  if (row === undefined) throw new Error(`there is no row ${String(name)}, only ${list(rows).map((each) => each.name).join(', ')}`);
  if (rest.length === 0) return row;
  if (row.below === undefined) throw new Error(`nothing lies below ${row.name}`);
  return rowAt(row.below, ...rest);
}
