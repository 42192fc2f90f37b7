import type { PagingModeRow } from '../pagingModes';
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

const PAGE_SHIFT = 12n;

/** The scenario's sizes, and what sets its paging mode apart: the library's one text serves every mode with paging. */
export function bootGlobals(processes: number, areas: readonly Area[], ram: bigint, mode: PagingModeRow): readonly BootGlobal[] {
  const { format, directMap } = mode;
  const number = (name: string, value: number | bigint): BootGlobal => ({ name, type: 'number', value: BigInt(value) });
  const indexBits = BigInt(format?.indexBits ?? 0);
  const levels = BigInt(format?.levels ?? 0);
  return [
    number('area_count', areas.length),
    number('process_count', processes),
    number('ram_size', ram),
    number('paging_levels', levels),
    number('root_shift', levels === 0n ? 0n : PAGE_SHIFT + (levels - 1n) * indexBits),
    number('index_bits', indexBits),
    number('table_entries', 1n << indexBits),
    number('entry_size', format?.entryBytes ?? 0),
    number('word_size', mode.wordBytes),
    number('direct_base', directMap.base),
    number('direct_size', directMap.bytes),
    number('window_base', mode.window ?? 0n),
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
    column('area_shared', 'number', (area) => BigInt(area.shared)),
    column('area_page', 'number', (area) => BigInt(area.pageBytes)),
    { name: 'process_at', type: 'process', values: new Map(all) },
  ];
}
