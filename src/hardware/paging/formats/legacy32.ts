import type { FormatField, PagingFormat } from '../pagingFormat';

/*
 * 32-bit paging: CR0.PG = 1, CR4.PAE = 0. SDM Vol. 3, "32-Bit Paging". M is MAXPHYADDR, at most 40 here.
 *
 *           31:22       21   20:13              12     11:9  8  7    6    5  4    3    2   1   0
 *  PDE 4M   PA[31:22]   rsv  PA[M-1:32], rsv    PAT    ign   G  1    D    A  PCD  PWT  US  RW  P
 *  PDE      table                                      ign   .  0    ign  A  PCD  PWT  US  RW  P
 *  PTE      page                                       ign   G  PAT  D    A  PCD  PWT  US  RW  P
 *
 * While CR4.PSE is 0, bit 7 of a PDE is ignored and nothing is reserved. There is no XD and no key.
 */
const BOTH = [1, 2];

const flag = (
  name: string, bit: number, set: string, clear: string, levels: readonly number[] = BOTH, entries: FormatField['entries'] = 'any',
): FormatField => ({ name, levels, entries, bits: [bit, bit], print: 'flag', set, clear });
const frame = (high: number, low: number, level: number, entries: FormatField['entries']): FormatField => (
  { name: 'frame', levels: [level], entries, bits: [high, low], print: 'frame', set: 'physical address', clear: 'physical address' }
);

export const LEGACY32: PagingFormat = {
  name: '32-bit',
  levels: 2,
  levelNames: ['', 'PTE', 'PDE'],
  entryBytes: 4,
  indexBits: 10,
  input: 'zero-extended',
  root: [31, 12],
  presentMask: 1,
  rights: [
    { name: 'writable', bit: 1, givenBy: 1 },
    { name: 'user', bit: 2, givenBy: 1 },
    // There is no bit 63: what is read of it is 0, and gives the right.
    { name: 'executable', bit: 63, givenBy: 0 },
  ],
  refusal: 'page fault',
  leafLevels: [2],
  leafBit: 7,
  leafNeeds: 'CR4.PSE',
  frame: [31, 12],
  highFrame: { level: 2, bits: [20, 13] },
  accessedBit: 5,
  dirtyBit: 6,
  globalBit: 8,
  reservedRules: [
    { name: 'bit 21 of a 4-MByte page', levels: [2], entries: 'leaf', bits: [21, 21], when: 'always' },
    {
      name: 'an address bit above MAXPHYADDR of a 4-MByte page (PSE-36)', levels: [2], entries: 'leaf', bits: [20, 13],
      when: 'above MAXPHYADDR', addressBit: 32,
    },
    { name: 'bits 20:13 of a 4-MByte page without PSE-36', levels: [2], entries: 'leaf', bits: [20, 13], when: 'no PSE-36' },
  ],
  illegalRules: [],
  fields: [
    flag('P', 0, 'present', 'not present: every other bit is ignored'),
    flag('RW', 1, 'writable', 'read-only'),
    flag('US', 2, 'user-mode address', 'supervisor-mode address'),
    flag('A', 5, 'accessed', 'not accessed yet'),
    flag('D', 6, 'dirty', 'not written yet', BOTH, 'leaf'),
    { ...flag('PS', 7, 'maps a page', 'references a table', [2], 'any'), needs: 'CR4.PSE' },
    flag('G', 8, 'global', 'not global', BOTH, 'leaf'),
    flag('PWT', 3, 'write-through', 'write-back'),
    flag('PCD', 4, 'cache disabled', 'cacheable'),
    flag('PAT', 7, 'PAT index bit 2 is 1', 'PAT index bit 2 is 0', [1], 'leaf'),
    flag('PAT', 12, 'PAT index bit 2 is 1', 'PAT index bit 2 is 0', [2], 'leaf'),
    frame(31, 12, 2, 'table'),
    frame(31, 12, 1, 'leaf'),
    frame(31, 22, 2, 'leaf'),
  ],
};
