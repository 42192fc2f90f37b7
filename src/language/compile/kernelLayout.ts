import type { AstNode } from 'langium';
import { pagingModeOf, type PagingModeRow } from '../pagingModes';
import { nodesOf } from '../syntax/nodes';
import type { Body } from './body';

/** A name that the kernel library finds its memory by, known when the scenario is compiled. */
export interface LayoutConstant {
  readonly name: string;
  readonly value: bigint;
  readonly documentation: string;
}

/**
 * What the paging mode and the machine decide for the kernel: constants, so that what they rule out is not compiled, and
 * one text of the library serves every mode.
 */
export function layoutConstants(mode: PagingModeRow, cpus: number): readonly LayoutConstant[] {
  const { format, directMap, window, wordBytes } = mode;
  const indexBits = BigInt(format?.indexBits ?? 0);
  const levels = BigInt(format?.levels ?? 0);
  const number = (name: string, value: number | bigint, documentation: string): LayoutConstant => ({ name, value: BigInt(value), documentation });
  return [
    number('cpu_count', cpus, 'CPUs of the VM.'),
    number('paging_levels', levels, 'Levels of paging structures; 0 without paging.'),
    number('root_shift', levels === 0n ? 0n : PAGE_SHIFT + (levels - 1n) * indexBits, 'Lowest bit of a linear address that chooses an entry of the first table.'),
    number('index_bits', indexBits, 'Bits of a linear address that choose an entry of a table.'),
    number('table_entries', 1n << indexBits, 'Entries of a table.'),
    number('entry_size', format?.entryBytes ?? 0, 'Bytes of a paging-structure entry.'),
    number('word_size', wordBytes, 'Bytes that plain [a] takes.'),
    number('direct_base', directMap.base, 'Linear address at which the kernel finds guest-physical address 0.'),
    number('direct_size', directMap.bytes, 'Bytes of guest-physical memory that it can find there at most.'),
    number('window_base', window ?? 0n, 'Two pages through which 32-bit and PAE kernels reach the frames above; 0 in the other modes.'),
  ];
}

const PAGE_SHIFT = 12n;
const NAMES: ReadonlySet<string> = new Set(layoutConstants(pagingModeOf('none'), 1).map(({ name }) => name));

/** True when the expression names a constant of the layout: then its value is the mode's doing, and no slip. */
export function namesLayout(body: Body, node: AstNode): boolean {
  return nodesOf(node).some((each) => {
    if (each.$type !== 'NameRef' || !('name' in each) || typeof each.name !== 'string' || !NAMES.has(each.name)) return false;
    return body.variable(each.name) === undefined && body.scope.find(each.name)?.kind === 'constant';
  });
}
