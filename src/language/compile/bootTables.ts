import type { Area, ValueType } from '../program';
import { rightsWords } from './entryFormat';

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

export function bootGlobals(processes: number, areas: readonly Area[], ram: bigint): readonly BootGlobal[] {
  return [
    { name: 'area_count', type: 'number', value: BigInt(areas.length) },
    { name: 'process_count', type: 'number', value: BigInt(processes) },
    { name: 'ram_size', type: 'number', value: ram },
  ];
}

/** Tables by area number, and `process_at`: the process of each number below `process_count`. */
export function bootTables(processes: number, areas: readonly Area[]): readonly BootTable[] {
  const column = (name: string, type: ValueType, value: (area: Area) => bigint): BootTable => (
    { name, type, values: new Map(areas.map((area, i) => [BigInt(i), value(area)])) }
  );
  const all = Array.from({ length: processes }, (_, i) => [BigInt(i), BigInt(i)] as const);
  return [
    column('area_process', 'process', (area) => BigInt(area.process)),
    column('area_from', 'gva', (area) => area.from),
    column('area_to', 'gva', (area) => area.to),
    column('area_rights', 'number', (area) => rightsWords.get(area.rights) ?? 0n),
    column('area_user', 'truth', (area) => (area.user ? 1n : 0n)),
    column('area_lazy', 'truth', (area) => (area.lazy ? 1n : 0n)),
    { name: 'process_at', type: 'process', values: new Map(all) },
  ];
}
