import type { FormatField, PagingFormat, ReservedRule } from '../pagingFormat';

/*
 * Extended page tables. SDM Vol. 3, "EPT Translation Mechanism" and "EPT Misconfigurations".
 *
 *              63    62:52  51:M  M-1:12                 11   10  9    8  7    6     5:3          2  1  0
 *  EPT PML5E, EPT PML4E
 *              ign   ign    rsv   table                  ign  XU  ign  A  rsv  rsv   rsv          X  W  R
 *  EPT PDPTE, EPT PDE referencing a table: as above with bit 7 = 0
 *  1G / 2M     SVE   ign    rsv   30 / 21 up, rest rsv   ign  XU  D    A  1    IPAT  memory type  X  W  R
 *  EPT PTE     SVE   ign    rsv   page                   ign  XU  D    A  ign  IPAT  memory type  X  W  R
 *  not present SVE   ign
 *
 * XU is ignored while the "mode-based execute control for EPT" is 0; while it is 1, X is for supervisor-mode linear
 * addresses and XU for user-mode ones, and XU alone makes an entry present.
 */
const XU_BIT = 10;
const SVE_BIT = 63;
const MEMORY_TYPE_SHIFT = 3;
const MEMORY_TYPE_MASK = 7 << MEMORY_TYPE_SHIFT;

const memoryType = (type: number): { readonly entries: 'leaf'; readonly mask: number; readonly value: number } => (
  { entries: 'leaf', mask: MEMORY_TYPE_MASK, value: type << MEMORY_TYPE_SHIFT }
);
const frame = (high: number, low: number, levels: readonly number[], entries: FormatField['entries']): FormatField => (
  { name: 'frame', levels, entries, bits: [high, low], print: 'frame', set: 'host-physical address', clear: 'host-physical address' }
);


function reservedRules(levels: readonly number[]): readonly ReservedRule[] {
  const upper = levels.filter((level) => level >= 4);
  return [
    { name: 'bits 7:3 of an EPT PML4E or PML5E', levels: upper, entries: 'any', bits: [7, 3], when: 'always' },
    { name: 'bits 6:3 of an entry that references a table', levels: [3, 2], entries: 'table', bits: [6, 3], when: 'always' },
    { name: 'an address bit above MAXPHYADDR', levels, entries: 'any', bits: [51, 12], when: 'above MAXPHYADDR' },
    { name: 'bits 29:12 of a 1-GByte page', levels: [3], entries: 'leaf', bits: [29, 12], when: 'always' },
    { name: 'bits 20:12 of a 2-MByte page', levels: [2], entries: 'leaf', bits: [20, 12], when: 'always' },
    { name: 'bit 7 on a processor without 1-GByte EPT pages', levels: [3], entries: 'leaf', bits: [7, 7], when: 'no 1-GByte pages' },
    { name: 'bit 7 on a processor without 2-MByte EPT pages', levels: [2], entries: 'leaf', bits: [7, 7], when: 'no 2-MByte pages' },
  ];
}

function fields(levels: readonly number[]): readonly FormatField[] {
  const flag = (
    name: string, bit: number, set: string, clear: string, at: readonly number[] = levels, entries: FormatField['entries'] = 'any',
  ): FormatField => ({ name, levels: at, entries, bits: [bit, bit], print: 'flag', set, clear });
  return [
    flag('R', 0, 'readable', 'not readable'),
    flag('W', 1, 'writable', 'not writable'),
    flag('X', 2, 'executable', 'not executable'),
    { ...flag('XU', XU_BIT, 'executable by user-mode addresses', 'not executable by user-mode addresses'), needs: 'mode-based execute control' },
    flag('A', 8, 'accessed', 'not accessed yet'),
    flag('D', 9, 'dirty', 'not written yet', levels, 'leaf'),
    flag('PS', 7, 'maps a page', 'references a table', [3, 2], 'any'),
    {
      name: 'memory type', levels, entries: 'leaf', bits: [5, 3], print: 'memory type',
      set: 'EPT memory type', clear: 'EPT memory type',
    },
    flag('IPAT', 6, "the guest's PAT is ignored", "combined with the guest's PAT", levels, 'leaf'),
    flag('SVE', SVE_BIT, '#VE suppressed', '#VE allowed', levels, 'leaf'),
    frame(51, 12, levels.filter((level) => level > 1), 'table'),
    frame(51, 12, [1], 'leaf'),
    frame(51, 21, [2], 'leaf'),
    frame(51, 30, [3], 'leaf'),
  ];
}

/** The format with this many levels; `ept4` and `ept5` are its two values. */
export function eptFormat(levels: 4 | 5): PagingFormat {
  const all = Array.from({ length: levels }, (_, index) => index + 1);
  return {
    name: 'EPT',
    levels,
    levelNames: ['', 'EPT PTE', 'EPT PDE', 'EPT PDPTE', 'EPT PML4E', 'EPT PML5E'].slice(0, levels + 1),
    entryBytes: 8,
    indexBits: 9,
    input: 'zero-extended',
    root: [51, 12],
    presentMask: 0b111,
    alsoPresent: { mask: 1 << XU_BIT, needs: 'mode-based execute control' },
    rights: [
      { name: 'readable', bit: 0, givenBy: 1 },
      { name: 'writable', bit: 1, givenBy: 1 },
      { name: 'executable', bit: 2, givenBy: 1 },
      { name: 'user-executable', bit: XU_BIT, givenBy: 1, needs: 'mode-based execute control' },
    ],
    suppressBit: SVE_BIT,
    refusal: 'EPT',
    leafLevels: [2, 3],
    leafBit: 7,
    frame: [51, 12],
    accessedBit: 8,
    dirtyBit: 9,
    reservedRules: reservedRules(all),
    illegalRules: [
      { name: 'writable but not readable', entries: 'any', mask: 0b011, value: 0b010 },
      { name: 'execute-only on a processor without it', entries: 'any', mask: 0b111, value: 0b100, unless: 'execute-only' },
      // None of bits 2:0 in an entry that is present: by XU alone.
      { name: 'execute-only for user-mode addresses on a processor without it', entries: 'any', mask: 0b111, value: 0, unless: 'execute-only' },
      { name: 'memory type 2', ...memoryType(2) },
      { name: 'memory type 3', ...memoryType(3) },
      { name: 'memory type 7', ...memoryType(7) },
    ],
    fields: fields(all),
  };
}
