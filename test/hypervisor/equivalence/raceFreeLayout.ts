import type { ModeName } from './raceFreeProgram';

/** Groups of pages, and pages of one in each table. */
export const GROUPS = 3;
export const GROUP_PAGES = 2;

/** Linear addresses of the area that each process has for itself, of the one that both share, and of the large page over all frames. */
export const OWN_AREA = 0x80_0000n;
export const SHARED_AREA = 0xc0_0000n;
export const LARGE_AREA = 0x100_0000n;

/** Guest-physical addresses. The kernel finds all of them one to one. */
export const POOL = 0x20_0000;
export const POOL_FRAMES = 8;
export const COPIES = 0x28_0000;
export const DEVICE = 0x400_0000;
export const RAM_END = 0x40_0000;
/** The index in its root by which a root leads to itself, in modes that have room for it. */
export const SELF_INDEX = 300n;

/** Frames of tables; the root of a process is the one at the mode's highest level. */
export const TABLE = {
  own: { p: 0x1_3000, q: 0x1_8000 },
  shared: 0x1_4000,
  split: 0x1_9000,
  level: { 2: { p: 0x1_2000, q: 0x1_7000 }, 3: { p: 0x1_1000, q: 0x1_6000 }, 4: { p: 0x1_0000, q: 0x1_5000 }, 5: { p: 0x1_a000, q: 0x1_b000 } },
} as const;

export type ProcessName = 'p' | 'q';
export type UpperLevel = 2 | 3 | 4 | 5;

export interface Mode {
  readonly name: ModeName;
  readonly levels: UpperLevel;
  readonly bytes: 4 | 8;
  /** Index of the first page of each group in its table. The last group lies on two pages of shadow tables where entries have 4 bytes. */
  readonly groupIndex: readonly number[];
  /** log2 of the entries of a table. */
  readonly indexBits: 9 | 10;
  /** What the large page begins with. */
  readonly largeBase: number;
  /** P, RW, US, A … of an entry that a page may get; XD and a reserved bit where there are such. */
  readonly bits: readonly bigint[];
  readonly hasSelfMap: boolean;
}

const LOW_BITS = [0n, 1n, 1n, 1n, 2n, 3n, 5n, 6n, 9n] as const;
const HIGH_BITS = [...LOW_BITS, 63n, 63n, 51n] as const;

export const modes: Readonly<Record<ModeName, Mode>> = {
  '32-bit': { name: '32-bit', levels: 2, bytes: 4, groupIndex: [0, 2, 511], indexBits: 10, largeBase: 0, bits: LOW_BITS, hasSelfMap: true },
  pae: { name: 'pae', levels: 3, bytes: 8, groupIndex: [0, 2, 510], indexBits: 9, largeBase: POOL, bits: HIGH_BITS, hasSelfMap: false },
  '4-level': { name: '4-level', levels: 4, bytes: 8, groupIndex: [0, 2, 510], indexBits: 9, largeBase: POOL, bits: HIGH_BITS, hasSelfMap: true },
  '5-level': { name: '5-level', levels: 5, bytes: 8, groupIndex: [0, 2, 510], indexBits: 9, largeBase: POOL, bits: HIGH_BITS, hasSelfMap: true },
};

/** A page that has an entry of its own: which table it is in, and its place among the group's pages. */
export interface Slot {
  readonly table: ProcessName | 'shared';
  readonly group: number;
  readonly index: number;
}

export const slots = (mode: Mode): readonly Slot[] => (['p', 'q', 'shared'] as const).flatMap((table) => (
  mode.groupIndex.flatMap((first, group) => Array.from({ length: GROUP_PAGES }, (_, i): Slot => ({ table, group, index: first + i })))
));

export function slotAddress({ table, index }: Slot): bigint {
  return (table === 'shared' ? SHARED_AREA : OWN_AREA) + BigInt(index) * 4096n;
}

/** Where the slot's entry lies: guest-physical. */
export function entryOf({ table, index }: Slot, mode: Mode): number {
  return (table === 'shared' ? TABLE.shared : TABLE.own[table]) + index * mode.bytes;
}

export function rootOf(process: ProcessName, mode: Mode): number {
  return TABLE.level[mode.levels][process];
}

/** Guest-physical address of the entry for a linear address in the table of `level` of a process. */
export function upperEntry(process: ProcessName, level: UpperLevel, address: bigint, mode: Mode): number {
  const shift = level === 2 && mode.bytes === 4 ? 22n : BigInt(12 + 9 * (level - 1));
  const count = mode.name === 'pae' && level === 3 ? 4n : 1n << BigInt(mode.indexBits);
  return TABLE.level[level][process] + Number((address >> shift) % count) * mode.bytes;
}

/** The linear address at which the self-map shows the entry of the last level for `address`. */
export function selfMapped(address: bigint, mode: Mode): bigint {
  if (mode.name === '32-bit') return (SELF_INDEX << 22n) + (address >> 12n) * 4n;
  const low = (SELF_INDEX << BigInt(9 * mode.levels + 3)) + (address >> 12n) * 8n;
  const sign = BigInt(9 * mode.levels + 11);
  return low >> sign & 1n ? BigInt.asUintN(64, low | (-1n << sign)) : low;
}

/** A frame that pages of a group may map. */
export function poolFrame(group: number, k: number): number {
  return POOL + (group * POOL_FRAMES + (k % POOL_FRAMES)) * 4096;
}

/** Bit 9 of an entry: "copy at the first write"; bit 10: "promised, and mapped at the first touch". Processors ignore both. */
export const PROCESS_BITS = { COPY: 1n << 9n, PROMISED: 1n << 10n, PRESENT_RW_USER: 7n } as const;

export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
