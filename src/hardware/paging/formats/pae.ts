import type { FormatField, PagingFormat } from '../pagingFormat';

/*
 * PAE paging: CR0.PG = 1, CR4.PAE = 1, EFER.LME = 0. SDM Vol. 3, "PAE Paging". M is MAXPHYADDR.
 *
 *           63   62:52  51:M  M-1:12                11:9  8    7    6    5    4    3    2    1    0
 *  PDPTE    rsv  rsv    rsv   table                 ign   rsv  rsv  rsv  rsv  PCD  PWT  rsv  rsv  P
 *  PDE      XD   rsv    rsv   table                 ign   ign  0    ign  A    PCD  PWT  US   RW   P
 *  PDE 2M   XD   rsv    rsv   21 up, 20:13 rsv, PAT ign   G    1    D    A    PCD  PWT  US   RW   P
 *  PTE      XD   rsv    rsv   page                  ign   G    PAT  D    A    PCD  PWT  US   RW   P
 *
 * The four PDPTEs are in registers, "PDPTE Registers"; a nested dimension reads them from memory (APM Vol. 2, "Nested
 * Paging"). They only reference page directories: rights and accessed flags begin with the PDE.
 */
const ALL = [1, 2, 3];
const LOWER = [1, 2];
const XD_BIT = 63;

const flag = (
  name: string, bit: number, set: string, clear: string, levels: readonly number[] = LOWER, entries: FormatField['entries'] = 'any',
): FormatField => ({ name, levels, entries, bits: [bit, bit], print: 'flag', set, clear });
const frame = (high: number, low: number, levels: readonly number[], entries: FormatField['entries']): FormatField => (
  { name: 'frame', levels, entries, bits: [high, low], print: 'frame', set: 'physical address', clear: 'physical address' }
);

export const PAE: PagingFormat = {
  name: 'PAE',
  levels: 3,
  levelNames: ['', 'PTE', 'PDE', 'PDPTE'],
  entryBytes: 8,
  indexBits: 9,
  input: 'zero-extended',
  inputBits: 32,
  root: [31, 5],
  registerLevel: 3,
  pointerLevels: [3],
  presentMask: 1,
  rights: [
    { name: 'writable', bit: 1, givenBy: 1 },
    { name: 'user', bit: 2, givenBy: 1 },
    { name: 'executable', bit: XD_BIT, givenBy: 0 },
  ],
  refusal: 'page fault',
  leafLevels: [2],
  leafBit: 7,
  frame: [51, 12],
  accessedBit: 5,
  dirtyBit: 6,
  globalBit: 8,
  reservedRules: [
    { name: 'bits 2:1 of a PDPTE', levels: [3], entries: 'any', bits: [2, 1], when: 'always' },
    { name: 'bits 8:5 of a PDPTE', levels: [3], entries: 'any', bits: [8, 5], when: 'always' },
    { name: 'bits 63:52 of a PDPTE', levels: [3], entries: 'any', bits: [63, 52], when: 'always' },
    { name: 'an address bit above MAXPHYADDR', levels: ALL, entries: 'any', bits: [51, 12], when: 'above MAXPHYADDR' },
    { name: 'bits 62:52', levels: LOWER, entries: 'any', bits: [62, 52], when: 'always' },
    { name: 'XD while EFER.NXE is 0', levels: LOWER, entries: 'any', bits: [XD_BIT, XD_BIT], when: 'EFER.NXE = 0' },
    { name: 'bits 20:13 of a 2-MByte page', levels: [2], entries: 'leaf', bits: [20, 13], when: 'always' },
  ],
  illegalRules: [],
  fields: [
    flag('P', 0, 'present', 'not present: every other bit is ignored', ALL),
    flag('RW', 1, 'writable', 'read-only'),
    flag('US', 2, 'user-mode address', 'supervisor-mode address'),
    flag('XD', XD_BIT, 'no instruction fetch', 'instruction fetch allowed'),
    flag('A', 5, 'accessed', 'not accessed yet'),
    flag('D', 6, 'dirty', 'not written yet', LOWER, 'leaf'),
    flag('PS', 7, 'maps a page', 'references a table', [2], 'any'),
    flag('G', 8, 'global', 'not global', LOWER, 'leaf'),
    flag('PWT', 3, 'write-through', 'write-back', ALL),
    flag('PCD', 4, 'cache disabled', 'cacheable', ALL),
    flag('PAT', 7, 'PAT index bit 2 is 1', 'PAT index bit 2 is 0', [1], 'leaf'),
    flag('PAT', 12, 'PAT index bit 2 is 1', 'PAT index bit 2 is 0', [2], 'leaf'),
    frame(51, 12, [3, 2], 'table'),
    frame(51, 12, [1], 'leaf'),
    frame(51, 21, [2], 'leaf'),
  ],
};
