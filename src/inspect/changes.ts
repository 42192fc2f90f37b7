import type { Moment } from '../engine/debuggee';
import type { Machine } from '../engine/machine/machine';
import { ENTRY_WORDS, entryAt, leadsToTable, tableEntries, tableReferenced } from './tableEntries';
import { hostFrameOf, type TableSet } from './tableSet';

/** Of trees with more entries than this only the tables that are listed are compared. */
const MOST_ENTRIES = 50_000;

/** What a space's tables held at one stop, by table. */
interface Collection {
  readonly tables: Map<number, Int32Array>;
  /** Every table that the roots lead to is there. */
  readonly isComplete: boolean;
}

interface Remembered {
  now: Collection | undefined;
  before: Collection | undefined;
}

/** What of a set of tables differs from the stop before. Answers hold for the moment it was made at. */
export interface TableComparison {
  isRootChanged(table: number): boolean;
  /** The entry, or something below it, differs. */
  isEntryChanged(table: number, level: number, index: number): boolean;
  /** The table is shown: it is compared at the next stop even when the tree is too large to be collected. */
  list(table: number): void;
}

/**
 * What the tables held at the present stop and at the one before, for one session. It goes by stops
 * and not by time, so it marks the same after a step back. A space is collected when it is first
 * asked for at a stop; one that was not asked for at the stop before has no marks.
 */
export class TableChanges {
  /** By space and VM. */
  private readonly spaces = new Map<string, Remembered>();
  private stop = '';

  /** `mostEntries`: how many are collected at one stop. */
  constructor(private readonly mostEntries = MOST_ENTRIES) {}

  /** The debugger has stopped at `moment`. Told twice of the same moment, it is the same stop. */
  noteStop(moment: Moment): void {
    const stop = `${moment.step}/${moment.event}`;
    if (stop === this.stop) return;
    this.stop = stop;
    for (const remembered of this.spaces.values()) {
      remembered.before = remembered.now;
      remembered.now = undefined;
    }
  }

  /** The machine has been edited where it stands: what the tables hold there is not what they held. */
  noteEdit(): void {
    for (const remembered of this.spaces.values()) remembered.now = undefined;
  }

  /** The comparison of `set` as it stands. Costs one look at each of its entries, once a stop. */
  compare(machine: Machine, set: TableSet): TableComparison {
    const key = `${set.space}/${set.vm.number}`;
    let remembered = this.spaces.get(key);
    if (remembered === undefined) {
      remembered = { now: undefined, before: undefined };
      this.spaces.set(key, remembered);
    }
    remembered.now ??= collect(machine, set, this.mostEntries);
    return new Comparison(machine, set, remembered.now, remembered.before);
  }
}

class Comparison implements TableComparison {
  private readonly judged = new Map<string, boolean>();

  constructor(
    private readonly machine: Machine,
    private readonly set: TableSet,
    private readonly now: Collection,
    private readonly before: Collection | undefined,
  ) {}

  isRootChanged(table: number): boolean {
    return this.isTableChanged(table, this.set.compiled.levels);
  }

  isEntryChanged(table: number, level: number, index: number): boolean {
    const { before, now } = this;
    const entries = now.tables.get(table);
    if (before === undefined || entries === undefined) return false;
    const at = entryAt(entries, index);
    const old = before.tables.get(table);
    if (old === undefined) return before.isComplete;
    const oldAt = entryAt(old, index);
    if (at < 0 || oldAt < 0) return at !== oldAt;
    if (entries[at + 1] !== old[oldAt + 1] || entries[at + 2] !== old[oldAt + 2]) return true;
    return this.isBelowChanged(level, entries, at);
  }

  list(table: number): void {
    if (this.now.tables.has(table)) return;
    this.now.tables.set(table, tableEntries(this.machine.memory, this.set.compiled, hostFrameOf(this.set, table)));
  }

  /** Each (table, level) is judged once: a table that maps itself would otherwise be gone round in for ever. */
  private isTableChanged(table: number, level: number): boolean {
    const key = `${table}/${level}`;
    const known = this.judged.get(key);
    if (known !== undefined) return known;
    this.judged.set(key, false);
    const answer = this.judge(table, level);
    this.judged.set(key, answer);
    return answer;
  }

  private judge(table: number, level: number): boolean {
    const { before, now } = this;
    const entries = now.tables.get(table);
    if (before === undefined || entries === undefined) return false;
    const old = before.tables.get(table);
    if (old === undefined) return before.isComplete;
    if (old.length !== entries.length || entries.some((word, i) => word !== old[i])) return true;
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) if (this.isBelowChanged(level, entries, at)) return true;
    return false;
  }

  private isBelowChanged(level: number, entries: Int32Array, at: number): boolean {
    const child = childOf(this.set, level, entries, at);
    return child >= 0 && this.isTableChanged(child, level - 1);
  }
}

/** All tables from the roots down, highest levels first. */
function collect(machine: Machine, set: TableSet, mostEntries: number): Collection {
  const tables = new Map<number, Int32Array>();
  const seen = new Set<string>();
  let count = 0;
  let wanted = set.roots.map(({ table }) => table);
  for (let level = set.compiled.levels; level > 0; level--) {
    const below: number[] = [];
    for (const table of wanted) {
      const key = `${table}/${level}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const entries = tables.get(table) ?? tableEntries(machine.memory, set.compiled, hostFrameOf(set, table));
      count += entries.length / ENTRY_WORDS;
      if (count > mostEntries) return { tables, isComplete: false };
      tables.set(table, entries);
      for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
        const child = childOf(set, level, entries, at);
        if (child >= 0) below.push(child);
      }
    }
    wanted = below;
  }
  return { tables, isComplete: true };
}

/** Table that the entry at `at` leads to, or -1. */
function childOf(set: TableSet, level: number, entries: Int32Array, at: number): number {
  const lo = entries[at + 1]!;
  if (!leadsToTable(set.compiled, level, lo)) return -1;
  return tableReferenced(set.compiled, lo, entries[at + 2]!);
}
