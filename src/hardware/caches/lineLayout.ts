/*
 * Words of a line, of every cache. Rights of the guest's tables and of EPT stand apart, so that a refusal knows its
 * dimension.
 *
 *   0  31:12 of the address that the line begins at; bit 0 valid, 1 global, 2 dirty, 3 fragment of a larger page; 5:4 size of
 *      what the line covers, 7:6 size of the page that its own tables map there: above 5:4 in a fragment; 9:8 mapping
 *   1  63:32 of the address
 *   2  3:0 rights, 7:4 EPT rights, 11:8 protection key, 31:16 number of the context
 *   3  when it was last used, by the cache's own clock: the least in a set is the least recently used; 0: it is not valid
 *   4  TLB: host-physical page (pair); paging-structure cache: the next table, host-physical (pair)
 *   6  the same, guest-physical (pair). Of linear mappings it is word 4 over again and is not written
 */
export const LINE_SHIFT = 3;
export const PAGE_HI = 1;
export const RIGHTS = 2;
export const USED = 3;
export const HPA = 4;
export const TARGET = 6;
export const VALID = 1;
export const GLOBAL = 2;
export const DIRTY = 4;
export const FRAGMENT = 8;
export const SIZE_AT = 4;
export const WHOLE_AT = 6;
export const SIZE_MASK = 3;
export const MAPPING_AT = 8;
export const MAPPING_MASK = 3 << MAPPING_AT;
export const RIGHTS_MASK = 15;
export const EPT_RIGHTS_AT = 4;
export const KEY_AT = 8;
export const CONTEXT_AT = 16;
export const NOT_CONTEXT = (1 << CONTEXT_AT) - 1;
export const PAGE_BASE = ~0xfff;
/** What of word 0 must be as wanted, for a line to map an address. */
export const SAME = PAGE_BASE | VALID | MAPPING_MASK | (SIZE_MASK << SIZE_AT);
/** The same, for a line that a hint leads to. */
export const HINTED = SAME | GLOBAL;
/** What of word 0 lines are counted by. */
export const COUNTED = VALID | MAPPING_MASK | (SIZE_MASK << SIZE_AT) | FRAGMENT | GLOBAL;

/** Rights of both dimensions and a protection key, as a line has them. */
export function lineRights(rights: number, eptRights: number, key: number): number {
  return rights | (eptRights << EPT_RIGHTS_AT) | (key << KEY_AT);
}
