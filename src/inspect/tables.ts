import type { Machine } from '../engine/machine/machine';
import { pairToBigInt } from '../engine/arithmetic';
import { decodeEntry } from '../hardware/paging/decodeEntry';
import type { TableNode, TablesArguments, TablesResponse } from '../protocol/requests';
import { addressText, frameAddress, frameText, hex, qualified } from './addressText';
import { canonicalAddress } from '../engine/questions/canonicalAddress';
import type { TableChanges, TableComparison } from './changes';
import { entryFields, entryLine } from './entryText';
import type { StoppedMachine } from './stoppedMachine';
import { ENTRY_WORDS, entryAt, leadsToTable, tableEntries, tableReferenced } from './tableEntries';
import { hostFrameOf, tableSets, type RootTable, type TableSet } from './tableSet';
import { entryStory, rootStory } from './tableStory';

const SPACES: readonly string[] = ['guest', 'shadow', 'ept', 'host'];

/** A table in the tree: its frame, the level of its entries, and how it was come to. */
interface PlacedTable {
  readonly root: RootTable;
  readonly path: readonly number[];
  readonly table: number;
  readonly level: number;
  /** First address that the table translates, before sign extension. */
  readonly base: bigint;
  readonly leading: readonly string[];
}

/**
 * A level of the table trees: the roots of a space, or the entries that are not zero of the table
 * that `path` leads to. No nodes and a sentence, when the technique keeps no such tables or the path
 * leads nowhere any more; an error when the arguments make no sense. Touches nothing. `changes`
 * remembers the stop before, against which nodes are marked; without it none is.
 */
export function tables(
  target: StoppedMachine, args: TablesArguments, changes?: TableChanges,
): TablesResponse | { readonly error: string } {
  const { machine } = target;
  if (!SPACES.includes(args.space)) return { error: `There are no tables called "${args.space}"; ask for ${SPACES.join(', ')}.` };
  changes?.noteStop(target.moment());
  const sets = tableSets(machine, args.space);
  if ('message' in sets) return { nodes: [], message: sets.message };
  if (args.root === undefined) {
    return { nodes: sets.flatMap((each) => each.roots.map((root) => rootNode(machine, each, root, changes?.compare(machine, each)))) };
  }
  const set = setOfRoot(machine, sets, args.root);
  if ('error' in set) return set;
  const placed = place(machine, set, args.root, args.path ?? []);
  if (!('table' in placed)) return placed;
  const comparison = changes?.compare(machine, set);
  comparison?.list(placed.table);
  return entryNodes(machine, set, placed, comparison);
}

/** The set that a root is of: told by the VM's name before it, or by the root itself where frames are of the host. */
function setOfRoot(machine: Machine, sets: readonly TableSet[], rootText: string): TableSet | { readonly error: string } {
  const { frameSpace, space } = sets[0]!;
  const isQualified = frameSpace === 'gpa' && machine.vms.length > 1;
  const form = new RegExp(`^${isQualified ? '(\\w+)\\.' : '()'}${frameSpace}:0x[0-9a-f]+$`).exec(rootText);
  const set = sets.find((each) => (isQualified ? each.vm.name === form?.[1] : each.roots.some((root) => rootTextOf(machine, each, root.table) === rootText)));
  if (form !== null && (set !== undefined || !isQualified)) return set ?? sets[0]!;
  const example = isQualified ? `${sets[0]!.vm.name}.gpa:0x1000` : `${frameSpace}:0x1000`;
  return { error: `"${rootText}" is no root of the ${space} tables; take one that a root node gave, like ${example}.` };
}

/** A root as its node gives it. */
function rootTextOf(machine: Machine, { vm, frameSpace }: TableSet, table: number): string {
  return qualified(machine, vm, frameText(frameSpace, table));
}

function place(
  machine: Machine, set: TableSet, rootText: string, path: readonly number[],
): PlacedTable | TablesResponse | { readonly error: string } {
  const { compiled } = set;
  const { levels, indexMask } = compiled;
  if (path.length >= levels || !path.every((index) => Number.isInteger(index) && index >= 0 && index <= indexMask)) {
    return { error: `[${path.join(', ')}] is no path in ${compiled.format.name} tables; give at most ${levels - 1} indices from 0 to ${indexMask}.` };
  }
  const root = set.roots.find(({ table }) => rootTextOf(machine, set, table) === rootText);
  if (root === undefined) return { nodes: [], message: `${rootText} is not a root of the ${set.space} tables at this moment.` };

  let { table } = root;
  let level = levels;
  let base = 0n;
  const leading = [root.label];
  for (const index of path) {
    const name = `${compiled.format.levelNames[level] ?? ''} ${index}`;
    const entries = tableEntries(machine.memory, compiled, hostFrameOf(set, table));
    const at = entryAt(entries, index);
    const lo = entries[at + 1] ?? 0;
    if (at < 0 || !leadsToTable(compiled, level, lo)) {
      return { nodes: [], message: `${name} leads to no table at this moment.` };
    }
    table = tableReferenced(compiled, lo, entries[at + 2]!);
    base += BigInt(index) << BigInt(compiled.shifts[level]!);
    leading.push(name);
    level--;
  }
  return { root, path, table, level, base, leading };
}

function rootNode(machine: Machine, set: TableSet, { table, label }: RootTable, comparison: TableComparison | undefined): TableNode {
  const root = rootTextOf(machine, set, table);
  return {
    id: `${set.space}/${root}`,
    label,
    description: `${set.compiled.format.name} → ${frameText(set.frameSpace, table)}`,
    tooltip: rootStory(machine, set, table),
    root,
    path: [],
    fields: [],
    hasChildren: tableEntries(machine.memory, set.compiled, hostFrameOf(set, table)).length > 0,
    changed: comparison?.isRootChanged(table) ?? false,
  };
}

function entryNodes(machine: Machine, set: TableSet, placed: PlacedTable, comparison: TableComparison | undefined): TablesResponse {
  const entries = tableEntries(machine.memory, set.compiled, hostFrameOf(set, placed.table));
  const nodes: TableNode[] = [];
  for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
    nodes.push(entryNode(machine, set, placed, { index: entries[at]!, lo: entries[at + 1]!, hi: entries[at + 2]! }, comparison));
  }
  if (nodes.length > 0) return { nodes };
  return { nodes, message: `Every entry of the table at ${frameText(set.frameSpace, placed.table)} is zero: nothing is mapped yet.` };
}

function entryNode(
  machine: Machine, set: TableSet, placed: PlacedTable,
  { index, lo, hi }: { readonly index: number; readonly lo: number; readonly hi: number },
  comparison: TableComparison | undefined,
): TableNode {
  const { compiled, frameSpace } = set;
  const { level, table } = placed;
  const decoded = decodeEntry(compiled, level, lo, hi, frameSpace);
  const path = [...placed.path, index];
  const root = rootTextOf(machine, set, placed.root.table);
  const first = placed.base + (BigInt(index) << BigInt(compiled.shifts[level]!));
  const from = addressText(set.inputSpace, canonicalAddress(compiled, first));
  return {
    id: `${set.space}/${root}/${path.join('/')}`,
    label: `${decoded.name} ${index}`,
    description: entryLine(decoded),
    tooltip: entryStory(set, decoded, { level, from, leading: placed.leading }),
    root,
    path,
    address: qualified(machine, set.vm, addressText(frameSpace, frameAddress(table) + BigInt(index << compiled.entryShift))),
    value: hex(pairToBigInt(lo, hi)),
    from,
    size: hex(decoded.size),
    fields: entryFields(decoded),
    hasChildren: leadsToTable(compiled, level, lo),
    changed: comparison?.isEntryChanged(table, level, index) ?? false,
  };
}
