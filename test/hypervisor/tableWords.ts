import { LONG4 } from '../../src/hardware/paging/formats/long4';
import type { HostReach } from '../../src/hypervisor/hostReach';

export const ENTRIES = 512;

/** An 8-byte entry as an audit reads it: from the words alone, by the bits that the manual gives them. */
export interface Entry {
  readonly lo: number;
  readonly hi: number;
  /** Physical address >> 12. */
  readonly frame: number;
}

/** Entry `index` of the table in host frame `table`. */
export function entryAt(memory: Pick<HostReach, 'load32'>, table: number, index: number): Entry {
  const at = (table << 12) | (index << 3);
  const lo = memory.load32(at, table >>> 20);
  const hi = memory.load32(at | 4, table >>> 20);
  return { lo, hi, frame: (lo >>> 12) | ((hi & 0xfffff) << 20) };
}

/** Flags of a 4-level entry: SDM Vol. 3, "4-Level Paging and 5-Level Paging". */
export const isPresent = ({ lo }: Entry): boolean => (lo & 1) !== 0;
export const isWritable = ({ lo }: Entry): boolean => (lo & 2) !== 0;
export const isUser = ({ lo }: Entry): boolean => (lo & 4) !== 0;
export const isExecutable = ({ hi }: Entry): boolean => hi >= 0;
export const isAccessed = ({ lo }: Entry): boolean => (lo & 0x20) !== 0;
export const isDirty = ({ lo }: Entry): boolean => (lo & 0x40) !== 0;
export const isLarge = ({ lo }: Entry): boolean => (lo & 0x80) !== 0;
export const keyOf = ({ hi }: Entry): number => (hi >>> 27) & 15;

/** W, U and X in the order of the format's rights. */
export function rightsOf(entry: Entry): number {
  return (isWritable(entry) ? 1 : 0) | (isUser(entry) ? 2 : 0) | (isExecutable(entry) ? 4 : 0);
}

/** Pages that an entry of `level` spans. */
export function span(level: number): number {
  return LONG4.levels >= level ? 2 ** (9 * (level - 1)) : 0;
}

/** `0x1f000`, for messages. */
export function hex(frame: number): string {
  return `0x${(frame * 4096).toString(16)}`;
}
