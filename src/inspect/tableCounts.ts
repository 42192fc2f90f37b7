import type { Machine } from '../engine/machine/machine';
import type { Space } from '../protocol/requests';
import { frameText, sizeText } from './addressText';
import type { Row } from './rows';
import type { StoppedMachine } from './stoppedMachine';
import { ENTRY_WORDS, leadsToTable, tableEntries, tableReferenced } from './tableEntries';
import { hostFrameOf, tableSets, type RootTable, type TableSet } from './tableSet';

/**
 * What each root of a space leads to: how many tables and entries of each level, how many pages are mapped and how many bytes. A table
 * that is reached in two ways counts once for each level it serves. A sentence when there are no such tables. Touches nothing.
 */
export function tableCounts({ machine }: Pick<StoppedMachine, 'machine'>, space: Space): readonly Row[] | { readonly message: string } {
  const sets = tableSets(machine, space);
  if ('message' in sets) return sets;
  return sets.flatMap((set) => set.roots.map((root) => countsOf(machine, set, root)));
}

function countsOf(machine: Machine, set: TableSet, root: RootTable): Row {
  const { compiled } = set;
  const tables = new Array<number>(compiled.levels + 1).fill(0);
  const entries = new Array<number>(compiled.levels + 1).fill(0);
  let bytes = 0n;
  let pages = 0;
  const visited = new Set<number>();
  const visit = (table: number, level: number): void => {
    const key = table * (compiled.levels + 1) + level;
    if (visited.has(key)) return;
    visited.add(key);
    tables[level]!++;
    const found = tableEntries(machine.memory, compiled, hostFrameOf(set, table));
    for (let at = 0; at < found.length; at += ENTRY_WORDS) {
      const lo = found[at + 1]!;
      if ((lo & compiled.presentMask) === 0) continue;
      entries[level]!++;
      if (leadsToTable(compiled, level, lo)) {
        visit(tableReferenced(compiled, lo, found[at + 2]!), level - 1);
      } else {
        pages++;
        bytes += 1n << BigInt(compiled.shifts[level]!);
      }
    }
  };
  visit(root.table, compiled.levels);
  const levels = entries.flatMap((count, level) => (
    count === 0 ? [] : [`${count} ${compiled.format.levelNames[level] ?? `of level ${level}`}${count === 1 ? '' : 's'} in ${tables[level]!} ${tables[level] === 1 ? 'table' : 'tables'}`]
  )).reverse();
  const mapped = `${pages} ${pages === 1 ? 'page' : 'pages'} mapped, ${sizeText(bytes)}`;
  return { name: root.label, value: levels.length === 0 ? `nothing is mapped from ${frameText(set.frameSpace, root.table)}` : `${levels.join(', ')}; ${mapped}` };
}
