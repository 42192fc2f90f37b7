import type { PagingFormat } from '../pagingFormat';

/** CR0.PG = 0: no levels, so a linear address is the physical address and every right is given. */
export const UNPAGED: PagingFormat = {
  name: 'none',
  levels: 0,
  levelNames: [''],
  entryBytes: 4,
  indexBits: 0,
  input: 'zero-extended',
  root: [31, 12],
  presentMask: 1,
  rights: [
    { name: 'writable', bit: 1, givenBy: 1 },
    { name: 'user', bit: 2, givenBy: 1 },
    { name: 'executable', bit: 63, givenBy: 0 },
  ],
  refusal: 'page fault',
  leafLevels: [],
  leafBit: 7,
  frame: [31, 12],
  accessedBit: 5,
  dirtyBit: 6,
  reservedRules: [],
  illegalRules: [],
  fields: [],
};
