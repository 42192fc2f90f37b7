import type { FormatItem } from './formatItem';

/**
 * Tells of a blank-padded item whether it stands in a column on purpose: the nearest line of code above or below is
 * indented alike and has an item behind blanks that starts at the same place. Such padding is the writer's, and is kept.
 */
export class Columns {
  /** By line: where its first item starts, then those behind blanks. */
  private readonly starts: ReadonlyMap<number, readonly number[]>;
  private readonly lines: readonly number[];

  constructor(items: readonly FormatItem[]) {
    const starts = new Map<number, number[]>();
    items.forEach((item, i) => {
      if (item.kind === 'comment') return;
      const known = starts.get(item.line);
      if (known === undefined) starts.set(item.line, [item.column]);
      else if ((items[i - 1]?.end ?? 0) < item.start) known.push(item.column);
    });
    this.starts = starts;
    this.lines = [...starts.keys()];
  }

  isAligned(item: FormatItem): boolean {
    const at = this.indexOf(item.line);
    const indent = this.startsOf(at)[0];
    return [at - 1, at + 1].some((neighbour) => {
      const starts = this.startsOf(neighbour);
      return starts[0] === indent && starts.includes(item.column, 1);
    });
  }

  private startsOf(index: number): readonly number[] {
    return this.starts.get(this.lines[index] ?? -1) ?? [];
  }

  private indexOf(line: number): number {
    let low = 0;
    let high = this.lines.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.lines[middle] ?? 0) < line) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
