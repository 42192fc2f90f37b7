import type { Machine } from '../engine/machine/machine';
import { decodeEntry } from '../hardware/paging/decodeEntry';
import type { Space } from '../protocol/requests';
import { addressText, frameAddress, qualified } from './addressText';
import { canonicalAddress } from '../engine/questions/canonicalAddress';
import { entryLine } from './entryText';
import type { Row } from './rows';
import type { StoppedMachine } from './stoppedMachine';
import { ENTRY_WORDS, leadsToTable, tableEntries, tableReferenced } from './tableEntries';
import { hostFrameOf, tableSets, type TableSet } from './tableSet';

const SPACES: readonly Space[] = ['guest', 'shadow', 'ept', 'host'];
/** More are counted, and not listed. */
const MOST_LISTED = 64;

/** The entries that lead to a physical address: leaves that map it, and those above that lead to it as a table. */
export interface Mappers {
  readonly rows: readonly Row[];
  readonly more: number;
}

/**
 * Every entry, in the tables of all known roots, by which physical `address` is reached. `vm`: whose guest-physical address it
 * is, where there are several. A table that several entries share is gone through once for each level it serves. Touches nothing.
 */
export function mappers({ machine }: Pick<StoppedMachine, 'machine'>, space: 'gpa' | 'hpa', address: bigint, vm?: string): Mappers {
  const found: Row[] = [];
  let more = 0;
  const add = (row: () => Row): void => {
    if (found.length < MOST_LISTED) found.push(row());
    else more++;
  };
  for (const set of SPACES.flatMap((each) => setsOf(machine, each))) {
    if (set.frameSpace !== space || space === 'gpa' && vm !== undefined && set.vm.name !== vm) continue;
    search(machine, set, address, add);
  }
  return { rows: found, more };
}

function setsOf(machine: Machine, space: Space): readonly TableSet[] {
  const sets = tableSets(machine, space);
  return 'message' in sets ? [] : sets;
}

function search(machine: Machine, set: TableSet, address: bigint, add: (row: () => Row) => void): void {
  const { compiled } = set;
  const visited = new Set<number>();
  const wanted = Number(address >> 12n);
  const visit = (table: number, level: number, base: bigint): void => {
    const key = table * (compiled.levels + 1) + level;
    if (visited.has(key)) return;
    visited.add(key);
    const entries = tableEntries(machine.memory, compiled, hostFrameOf(set, table));
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
      const [index, lo, hi] = [entries[at]!, entries[at + 1]!, entries[at + 2]!];
      if ((lo & compiled.presentMask) === 0) continue;
      const isTable = leadsToTable(compiled, level, lo);
      // Of a million entries hardly one leads there: the others are not decoded.
      if (level === 1 && tableReferenced(compiled, lo, hi) !== wanted) continue;
      const first = base + (BigInt(index) << BigInt(compiled.shifts[level]!));
      if (isTable) visit(tableReferenced(compiled, lo, hi), level - 1, first);
      const decoded = decodeEntry(compiled, level, lo, hi, set.frameSpace);
      const bytes = decoded.leaf ? decoded.size : 4096n;
      if (address < decoded.frame || address >= decoded.frame + bytes) continue;
      add(() => {
        const entryAddress = qualified(machine, set.vm, addressText(set.frameSpace, frameAddress(table) + BigInt(index << compiled.entryShift)));
        const from = addressText(set.inputSpace, canonicalAddress(compiled, decoded.leaf ? first + (address - decoded.frame) : first));
        const how = decoded.leaf ? `maps it at ${from}` : `leads to it as a table, for addresses from ${from} on`;
        return { name: `${set.space} ${decoded.name} ${index} at ${entryAddress}`, value: `${how}: ${entryLine(decoded)}` };
      });
    }
  };
  for (const { table } of set.roots) visit(table, compiled.levels, 0n);
}
