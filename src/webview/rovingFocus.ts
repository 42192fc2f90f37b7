/** Where an arrow key leads from a cell of a grid; Home and End stay in the row. */
export type GridKey = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown' | 'Home' | 'End';

const KEYS: ReadonlySet<string> = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End']);

export function isGridKey(key: string): key is GridKey {
  return KEYS.has(key);
}

/**
 * The cell that `key` leads to from the cell `from`, by reference number. `rows` are the grid's
 * rows, each with a number for every column, 0 where there is no cell: those are passed over. Past
 * an edge there is no way, and the cell itself is the answer. A single row stands as a column where
 * the panel is narrow: up and down then lead along it too.
 */
export function nextCell(rows: readonly (readonly number[])[], from: number, key: GridKey): number {
  const row = rows.findIndex((cells) => cells.includes(from));
  const cells = rows[row];
  if (cells === undefined) return first(rows.flat()) ?? from;
  const column = cells.indexOf(from);
  if (rows.length === 1 && key === 'ArrowUp') return nextCell(rows, from, 'ArrowLeft');
  if (rows.length === 1 && key === 'ArrowDown') return nextCell(rows, from, 'ArrowRight');
  const inColumn = rows.map((each) => each[column] ?? 0);
  switch (key) {
    case 'ArrowLeft':
      return last(cells.slice(0, column)) ?? from;
    case 'ArrowRight':
      return first(cells.slice(column + 1)) ?? from;
    case 'ArrowUp':
      return last(inColumn.slice(0, row)) ?? from;
    case 'ArrowDown':
      return first(inColumn.slice(row + 1)) ?? from;
    case 'Home':
      return first(cells) ?? from;
    case 'End':
      return last(cells) ?? from;
  }
}

function first(cells: readonly number[]): number | undefined {
  return cells.find((cell) => cell !== 0);
}

function last(cells: readonly number[]): number | undefined {
  return cells.filter((cell) => cell !== 0).at(-1);
}
