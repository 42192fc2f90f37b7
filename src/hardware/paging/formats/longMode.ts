import type { FormatField, PagingFormat, ReservedRule } from '../pagingFormat';

/*
 * 4-level and 5-level paging. SDM Vol. 3, "4-Level Paging and 5-Level Paging", and its table
 * "Format of a Page-Table Entry that Maps a 4-KByte Page" and the like. M is MAXPHYADDR.
 *
 *            63  62:59  58:52  51:M  M-1:12       11:9  8  7    6    5  4    3    2   1   0
 *  PML5E     XD  ign    ign    rsv   table        ign   .  rsv  ign  A  PCD  PWT  US  RW  P
 *  PML4E     XD  ign    ign    rsv   table        ign   .  rsv  ign  A  PCD  PWT  US  RW  P
 *  PDPTE, PDE referencing a table: as above with bit 7 (PS) = 0
 *  PDPTE 1G  XD  key    ign    rsv   30 up, 29:13 rsv, 12 PAT   G  1  D  A  PCD  PWT  US  RW  P
 *  PDE 2M    XD  key    ign    rsv   21 up, 20:13 rsv, 12 PAT   G  1  D  A  PCD  PWT  US  RW  P
 *  PTE       XD  key    ign    rsv   page         ign   G  PAT  D  A  PCD  PWT  US  RW  P
 */
const XD_BIT = 63;

function reservedRules(levels: readonly number[]): readonly ReservedRule[] {
  const upper = levels.filter((level) => level >= 4);
  return [
    { name: 'bit 7 (PS) of an entry that cannot map a page', levels: upper, entries: 'any', bits: [7, 7], when: 'always' },
    { name: 'an address bit above MAXPHYADDR', levels, entries: 'any', bits: [51, 12], when: 'above MAXPHYADDR' },
    { name: 'XD while EFER.NXE is 0', levels, entries: 'any', bits: [XD_BIT, XD_BIT], when: 'EFER.NXE = 0' },
    { name: 'bits 29:13 of a 1-GByte page', levels: [3], entries: 'leaf', bits: [29, 13], when: 'always' },
    { name: 'bits 20:13 of a 2-MByte page', levels: [2], entries: 'leaf', bits: [20, 13], when: 'always' },
    { name: 'bit 7 (PS) on a processor without 1-GByte pages', levels: [3], entries: 'leaf', bits: [7, 7], when: 'no 1-GByte pages' },
  ];
}

function fields(levels: readonly number[]): readonly FormatField[] {
  const flag = (
    name: string, bit: number, set: string, clear: string, at: readonly number[] = levels, entries: FormatField['entries'] = 'any',
  ): FormatField => ({ name, levels: at, entries, bits: [bit, bit], print: 'flag', set, clear });
  const frame = (high: number, low: number, at: readonly number[], entries: FormatField['entries']): FormatField => (
    { name: 'frame', levels: at, entries, bits: [high, low], print: 'frame', set: 'physical address', clear: 'physical address' }
  );
  return [
    flag('P', 0, 'present', 'not present: every other bit is ignored'),
    flag('RW', 1, 'writable', 'read-only'),
    flag('US', 2, 'user-mode address', 'supervisor-mode address'),
    flag('XD', XD_BIT, 'no instruction fetch', 'instruction fetch allowed'),
    flag('A', 5, 'accessed', 'not accessed yet'),
    flag('D', 6, 'dirty', 'not written yet', levels, 'leaf'),
    flag('PS', 7, 'maps a page', 'references a table', [3, 2], 'any'),
    flag('G', 8, 'global', 'not global', levels, 'leaf'),
    flag('PWT', 3, 'write-through', 'write-back'),
    flag('PCD', 4, 'cache disabled', 'cacheable'),
    flag('PAT', 7, 'PAT index bit 2 is 1', 'PAT index bit 2 is 0', [1], 'leaf'),
    flag('PAT', 12, 'PAT index bit 2 is 1', 'PAT index bit 2 is 0', [3, 2], 'leaf'),
    { name: 'key', levels, entries: 'leaf', bits: [62, 59], print: 'number', set: 'protection key', clear: 'protection key' },
    frame(51, 12, levels.filter((level) => level > 1), 'table'),
    frame(51, 12, [1], 'leaf'),
    frame(51, 21, [2], 'leaf'),
    frame(51, 30, [3], 'leaf'),
  ];
}

/** The format with this many levels; `long4` and `long5` are its two values. */
export function longModeFormat(name: string, levels: 4 | 5): PagingFormat {
  const all = Array.from({ length: levels }, (_, index) => index + 1);
  return {
    name,
    levels,
    levelNames: ['', 'PTE', 'PDE', 'PDPTE', 'PML4E', 'PML5E'].slice(0, levels + 1),
    entryBytes: 8,
    indexBits: 9,
    input: 'canonical',
    root: [51, 12],
    presentMask: 1,
    rights: [
      { name: 'writable', bit: 1, givenBy: 1 },
      { name: 'user', bit: 2, givenBy: 1 },
      { name: 'executable', bit: XD_BIT, givenBy: 0 },
    ],
    refusal: 'page fault',
    leafLevels: [2, 3],
    leafBit: 7,
    frame: [51, 12],
    accessedBit: 5,
    dirtyBit: 6,
    globalBit: 8,
    keyBit: 59,
    reservedRules: reservedRules(all),
    illegalRules: [],
    fields: fields(all),
  };
}
