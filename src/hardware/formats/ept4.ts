import type { FormatField, PagingFormat } from '../pagingFormat';

/*
 * Extended page tables, 4 levels. SDM Vol. 3, "EPT Translation Mechanism" and "EPT Misconfigurations".
 *
 *              63    62:52  51:M  M-1:12                 11:10  9    8  7    6     5:3          2  1  0
 *  EPT PML4E   ign   ign    rsv   table                  ign    ign  A  rsv  rsv   rsv          X  W  R
 *  EPT PDPTE, EPT PDE referencing a table: as above with bit 7 = 0
 *  1G / 2M     sVE   ign    rsv   30 / 21 up, rest rsv   ign    D    A  1    IPAT  memory type  X  W  R
 *  EPT PTE     sVE   ign    rsv   page                   ign    D    A  ign  IPAT  memory type  X  W  R
 */
const ALL = [1, 2, 3, 4];
const MEMORY_TYPE_SHIFT = 3;
const MEMORY_TYPE_MASK = 7 << MEMORY_TYPE_SHIFT;

const memoryType = (type: number): { readonly entries: 'leaf'; readonly mask: number; readonly value: number } => (
  { entries: 'leaf', mask: MEMORY_TYPE_MASK, value: type << MEMORY_TYPE_SHIFT }
);
const flag = (
  name: string, bit: number, set: string, clear: string, levels: readonly number[] = ALL, entries: FormatField['entries'] = 'any',
): FormatField => ({ name, levels, entries, bits: [bit, bit], print: 'flag', set, clear });
const frame = (high: number, low: number, levels: readonly number[], entries: FormatField['entries']): FormatField => (
  { name: 'frame', levels, entries, bits: [high, low], print: 'frame', set: 'host-physical address', clear: 'host-physical address' }
);

export const EPT4: PagingFormat = {
  name: 'EPT',
  levels: 4,
  levelNames: ['', 'EPT PTE', 'EPT PDE', 'EPT PDPTE', 'EPT PML4E'],
  entryBytes: 8,
  indexBits: 9,
  input: 'zero-extended',
  presentMask: 0b111,
  rights: [
    { name: 'readable', bit: 0, givenBy: 1 },
    { name: 'writable', bit: 1, givenBy: 1 },
    { name: 'executable', bit: 2, givenBy: 1 },
  ],
  refusal: 'EPT',
  leafLevels: [2, 3],
  leafBit: 7,
  frame: [51, 12],
  accessedBit: 8,
  dirtyBit: 9,
  reservedRules: [
    { name: 'bits 7:3 of an EPT PML4E', levels: [4], entries: 'any', bits: [7, 3], when: 'always' },
    { name: 'bits 6:3 of an entry that references a table', levels: [3, 2], entries: 'table', bits: [6, 3], when: 'always' },
    { name: 'an address bit above MAXPHYADDR', levels: ALL, entries: 'any', bits: [51, 12], when: 'above MAXPHYADDR' },
    { name: 'bits 29:12 of a 1-GByte page', levels: [3], entries: 'leaf', bits: [29, 12], when: 'always' },
    { name: 'bits 20:12 of a 2-MByte page', levels: [2], entries: 'leaf', bits: [20, 12], when: 'always' },
  ],
  illegalRules: [
    { name: 'writable but not readable', entries: 'any', mask: 0b011, value: 0b010 },
    { name: 'execute-only on a processor without it', entries: 'any', mask: 0b111, value: 0b100, unless: 'execute-only' },
    { name: 'memory type 2', ...memoryType(2) },
    { name: 'memory type 3', ...memoryType(3) },
    { name: 'memory type 7', ...memoryType(7) },
  ],
  fields: [
    flag('R', 0, 'readable', 'not readable'),
    flag('W', 1, 'writable', 'not writable'),
    flag('X', 2, 'executable', 'not executable'),
    flag('A', 8, 'accessed', 'not accessed yet'),
    flag('D', 9, 'dirty', 'not written yet', ALL, 'leaf'),
    flag('PS', 7, 'maps a page', 'references a table', [3, 2], 'any'),
    {
      name: 'memory type', levels: ALL, entries: 'leaf', bits: [5, 3], print: 'memory type',
      set: 'EPT memory type', clear: 'EPT memory type',
    },
    flag('IPAT', 6, "the guest's PAT is ignored", "combined with the guest's PAT", ALL, 'leaf'),
    flag('SVE', 63, '#VE suppressed', '#VE allowed', ALL, 'leaf'),
    frame(51, 12, [2, 3, 4], 'table'),
    frame(51, 12, [1], 'leaf'),
    frame(51, 21, [2], 'leaf'),
    frame(51, 30, [3], 'leaf'),
  ],
};
