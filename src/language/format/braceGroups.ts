import type { FormatItem } from './formatItem';

/** A pair of braces: the items' numbers, and how what is between them is laid out. */
export interface BraceGroup {
  readonly open: number;
  readonly close: number;
  readonly context: string;
  readonly parent: BraceGroup | undefined;
  /** `lines`: each statement has a line of its own. `inline`: all stands in the line of the brace. */
  layout: 'inline' | 'lines';
}

/** Pairs of braces by the numbers of both their items. */
export type BraceGroups = ReadonlyMap<number, BraceGroup>;

/**
 * Finds the pairs of braces of a text that parses. One stays on its line when it was written there and holds one
 * statement, or settings parted by commas: `process p { 0x1000 .. 0x2000 rw user }`, `if x { refuse }`.
 */
export function braceGroups(items: readonly FormatItem[]): BraceGroups {
  const groups = new Map<number, BraceGroup>();
  const open: { item: number; isLong: boolean }[] = [];
  const finished: { item: number; close: number; isLong: boolean; depth: number }[] = [];
  items.forEach((item, i) => {
    const top = open[open.length - 1];
    const first = top === undefined ? undefined : items[top.item];
    if (item.image === '}' && item.kind === 'sign' && top !== undefined && first !== undefined) {
      open.pop();
      const isLong = i > top.item + 1 && (top.isLong || first.line !== item.line);
      finished.push({ item: top.item, close: i, isLong, depth: open.length });
      const outer = open[open.length - 1];
      if (isLong && outer !== undefined) outer.isLong = true;
      return;
    }
    if (top !== undefined && (item.startsStatement || item.kind === 'comment')) top.isLong = true;
    if (item.image === '{' && item.kind === 'sign') open.push({ item: i, isLong: false });
  });
  const parents: (BraceGroup | undefined)[] = [];
  for (const { item, close, isLong, depth } of [...finished].sort((a, b) => a.item - b.item)) {
    const group: BraceGroup = {
      open: item, close, context: items[item]?.context ?? '', parent: depth === 0 ? undefined : parents[depth - 1],
      layout: isLong ? 'lines' : 'inline',
    };
    parents[depth] = group;
    groups.set(item, group);
    groups.set(close, group);
  }
  return groups;
}
