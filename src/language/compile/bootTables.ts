import type { Area, ValueType } from '../program';
import type { EntryFormat } from './entryFormat';
import type { Slot } from './slots';

/** What the loader hands to the kernel library: the scenario's declarations as globals and tables. */
export interface BootGlobal {
  readonly name: string;
  readonly type: ValueType;
  readonly value: bigint;
}

export interface BootTable {
  readonly name: string;
  /** Type of what it holds. */
  readonly type: ValueType;
  readonly values: ReadonlyMap<bigint, bigint>;
}

export const DEFAULT_RAM = 16n * 1024n * 1024n;

export function bootGlobals(processes: number, areas: readonly Area[], ram: bigint, slots: readonly Slot[]): readonly BootGlobal[] {
  return [
    { name: 'area_count', type: 'number', value: BigInt(areas.length) },
    { name: 'process_count', type: 'number', value: BigInt(processes) },
    { name: 'ram_size', type: 'number', value: ram },
    { name: 'slot_count', type: 'number', value: BigInt(slots.length) },
  ];
}

/** Tables by area number, by slot number (ascending), and `process_at`: the process of each number below `process_count`. */
export function bootTables(processes: readonly number[], areas: readonly Area[], entries: EntryFormat | undefined, slots: readonly Slot[]): readonly BootTable[] {
  const column = (name: string, type: ValueType, value: (area: Area) => bigint): BootTable => (
    { name, type, values: new Map(areas.map((area, i) => [BigInt(i), value(area)])) }
  );
  const ascending = [...slots].sort((a, b) => (a.from < b.from ? -1 : 1));
  const slotColumn = (name: string, type: ValueType, value: (slot: Slot) => bigint): BootTable => (
    { name, type, values: new Map(ascending.map((slot, i) => [BigInt(i), value(slot)])) }
  );
  const all = processes.map((process, i) => [BigInt(i), BigInt(process)] as const);
  return [
    column('area_process', 'process', (area) => BigInt(area.process)),
    column('area_from', 'gva', (area) => area.from),
    column('area_to', 'gva', (area) => area.to),
    column('area_rights', 'number', (area) => entries?.rights.get(area.rights) ?? 0n),
    column('area_user', 'truth', (area) => (area.user ? 1n : 0n)),
    column('area_lazy', 'truth', (area) => (area.lazy ? 1n : 0n)),
    column('area_shared', 'number', (area) => BigInt(area.shared)),
    column('area_page', 'number', (area) => BigInt(area.pageBytes)),
    slotColumn('slot_from', 'number', (slot) => slot.from),
    slotColumn('slot_to', 'number', (slot) => slot.to),
    slotColumn('slot_is_ram', 'truth', (slot) => (slot.kind === 'ram' ? 1n : 0n)),
    { name: 'process_at', type: 'process', values: new Map(all) },
  ];
}
