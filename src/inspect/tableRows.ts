import type { Machine } from '../engine/machine/machine';
import { decodeEntry, type DecodedEntry } from '../hardware/paging/decodeEntry';
import type { Space } from '../protocol/requests';
import { addressText, frameAddress, frameText, qualified } from './addressText';
import { canonicalAddress } from '../engine/questions/canonicalAddress';
import { entryFields, entryLine } from './entryText';
import { named, numberIn, ofName, type Row, type Rows } from './rows';
import { ENTRY_WORDS, entryAt, leadsToTable, tableEntries, tableReferenced } from './tableEntries';
import { hostFrameOf, tableSets, type TableSet } from './tableSet';

/** The tables of a kind, by the name that a person knows them by. */
const titles: readonly (readonly [space: Space, name: string])[] = [
  ['guest', 'guest tables'], ['shadow', 'shadow tables'], ['ept', 'nested tables'], ['host', 'host tables'],
];

/** All tables there are, a row for each kind: below it roots, entries, what they lead to. Kinds that no VM has are left out. */
export function tableRows(machine: Machine): readonly Row[] {
  return titles.flatMap(([space, name]) => {
    const sets = tableSets(machine, space);
    if ('message' in sets) return [];
    const roots = sets.flatMap((set) => set.roots.map((root): Row => ({
      name: root.label, value: `${set.compiled.format.name} → ${frameText(set.frameSpace, root.table)}`, below: entriesBelow(machine, set, root.table, set.compiled.levels, 0n),
    })));
    const format = sets[0]!.compiled.format.name;
    return [{ name, value: `${format}, ${roots.length} ${roots.length === 1 ? 'root' : 'roots'}`, below: named(() => roots) }];
  });
}

/** The entries of a table that are not zero; only those that are asked for are decoded. */
function entriesBelow(machine: Machine, set: TableSet, table: number, level: number, base: bigint): Rows {
  // Looked at anew whenever rows are asked for: a person may have edited an entry in between.
  const entriesNow = (): Int32Array => tableEntries(machine.memory, set.compiled, hostFrameOf(set, table));
  const rowAt = (entries: Int32Array, at: number): Row => (
    entryRow(machine, set, { table, level, base, index: entries[at]!, lo: entries[at + 1]!, hi: entries[at + 2]! })
  );
  const slice = (start: number, length: number): readonly Row[] => {
    const entries = entriesNow();
    return Array.from({ length: Math.max(0, Math.min(length, entries.length / ENTRY_WORDS - start)) }, (_, i) => rowAt(entries, (start + i) * ENTRY_WORDS));
  };
  const find = (name: string): Row | undefined => {
    const entries = entriesNow();
    const at = entryAt(entries, numberIn(name));
    return at < 0 ? undefined : ofName(rowAt(entries, at), name);
  };
  return { kind: 'indexed', count: entriesNow().length / ENTRY_WORDS, slice, find };
}

interface PlacedEntry {
  readonly table: number;
  readonly level: number;
  /** First address that the table translates, before sign extension. */
  readonly base: bigint;
  readonly index: number;
  readonly lo: number;
  readonly hi: number;
}

function entryRow(machine: Machine, set: TableSet, entry: PlacedEntry): Row {
  const { compiled } = set;
  const { table, level, index, lo, hi } = entry;
  const decoded = decodeEntry(compiled, level, lo, hi, set.frameSpace);
  const first = entry.base + (BigInt(index) << BigInt(compiled.shifts[level]!));
  const at = qualified(machine, set.vm, addressText(set.frameSpace, frameAddress(table) + BigInt(index << compiled.entryShift)));
  return {
    name: `${decoded.name} ${index}`,
    value: entryLine(decoded),
    cell: { at, bytes: 1 << compiled.entryShift, entry: decoded },
    below: named(() => belowEntry(machine, set, { ...entry, ...entryNow(machine, set, entry) }, at, first)),
  };
}

/** `at`: the entry's address as text; `first`: what it translates first. */
function belowEntry(machine: Machine, set: TableSet, { level, lo, hi }: PlacedEntry, at: string, first: bigint): readonly Row[] {
  const { compiled } = set;
  const bytes = 1 << compiled.entryShift;
  const decoded = decodeEntry(compiled, level, lo, hi, set.frameSpace);
  return [
    { name: 'translates', value: `${qualified(machine, set.vm, addressText(set.inputSpace, canonicalAddress(compiled, first)))} on` },
    { name: 'entry', value: `${at} holds 0x${((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString(16)}` },
    ...fieldRows(decoded).map((row, i): Row => {
      const { bits, name } = decoded.fields[i]!;
      return { ...row, cell: { at, bytes, bits, ...(name === 'frame' ? { isAddress: true } : {}) } };
    }),
    ...!leadsToTable(compiled, level, lo) ? [] : [tableRow(machine, set, tableReferenced(compiled, lo, hi), level - 1, first)],
  ];
}

/** The two halves of an entry as it is now, which a person may have edited. */
function entryNow({ memory }: Machine, set: TableSet, { table, index }: PlacedEntry): Pick<PlacedEntry, 'lo' | 'hi'> {
  const frame = hostFrameOf(set, table);
  const at = (frame << 12) | (index << set.compiled.entryShift);
  return { lo: memory.load32(at, frame >>> 20), hi: set.compiled.entryShift === 3 ? memory.load32(at | 4, frame >>> 20) : 0 };
}

function tableRow(machine: Machine, set: TableSet, table: number, level: number, base: bigint): Row {
  const below = entriesBelow(machine, set, table, level, base);
  const count = below.kind === 'indexed' ? below.count : 0;
  return { name: `table of ${set.compiled.format.levelNames[level] ?? 'entrie'}s`, value: `${frameText(set.frameSpace, table)}, ${count} not zero`, below };
}

/** Flags and fields of an entry, a row each. */
export function fieldRows(decoded: DecodedEntry): readonly Row[] {
  return entryFields(decoded).map(({ name, bits: [high, low], value, meaning }) => (
    { name, value: `${value}${meaning === '' ? '' : `  ${meaning}`}  (bit${high === low ? ` ${low}` : `s ${high}:${low}`})` }
  ));
}
