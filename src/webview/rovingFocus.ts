/** Where an arrow key leads from a cell of a grid; Home and End stay in the row. */
export type GridKey = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown' | 'Home' | 'End';

const KEYS: ReadonlySet<string> = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End']);

export function isGridKey(key: string): key is GridKey {
  return KEYS.has(key);
}

/**
 * The cell that `key` leads to from the cell `from`, by reference number. `rows` are the grid's
 * rows of reference numbers; past an edge there is no way, and the cell itself is the answer.
 */
export function nextCell(rows: readonly (readonly number[])[], from: number, key: GridKey): number {
  const row = rows.findIndex((cells) => cells.includes(from));
  const cells = rows[row];
  if (cells === undefined) return rows[0]?.[0] ?? from;
  const column = cells.indexOf(from);
  switch (key) {
    case 'ArrowLeft':
      return cells[column - 1] ?? from;
    case 'ArrowRight':
      return cells[column + 1] ?? from;
    case 'ArrowUp':
      return rows[row - 1]?.[column] ?? from;
    case 'ArrowDown':
      return rows[row + 1]?.[column] ?? from;
    case 'Home':
      return cells[0] ?? from;
    case 'End':
      return cells.at(-1) ?? from;
  }
}
