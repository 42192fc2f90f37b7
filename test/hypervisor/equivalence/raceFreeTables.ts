import {
  LARGE_AREA, OWN_AREA, POOL, POOL_FRAMES, RAM_END, SELF_INDEX, SHARED_AREA, TABLE, entryOf, hex, rootOf, upperEntry, type Mode, type Slot, type UpperLevel,
} from './raceFreeLayout';

/** First page of the shared area that shows a page table to user mode. */
export const WINDOW_INDEX = 16;

export interface TableDraw {
  readonly mode: Mode;
  readonly slots: readonly Slot[];
  /** Pages of the shared table may be global. */
  readonly hasGlobals: boolean;
  /** A frame that pages of a group may map. */
  readonly frame: (group: number, k: number) => number;
}

/** Statements that make the tables; paging is off. */
export function tableLines({ mode, slots, hasGlobals, frame }: TableDraw): readonly string[] {
  const { bytes, levels } = mode;
  // A line of a global page serves both processes: whether the second one's entries above are ever walked, and get A, is the TLB's business.
  const accessed = hasGlobals ? 0x20 : 0;
  const lines: string[] = [];
  const put = (at: number, value: bigint | number): void => { lines.push(`entry [${hex(at)}] = ${hex(value)}`); };
  for (const process of ['p', 'q'] as const) {
    for (let level = levels; level > 2; level--) {
      const below = TABLE.level[(level - 1) as UpperLevel][process];
      put(upperEntry(process, level, OWN_AREA, mode), mode.name === 'pae' ? below | 1 : below | 7 | accessed);
    }
    for (let at = 0; at < RAM_END; at += bytes === 4 ? RAM_END : RAM_END / 2) put(upperEntry(process, 2, BigInt(at), mode), at | 0x83);
    put(upperEntry(process, 2, OWN_AREA, mode), TABLE.own[process] | 7);
    put(upperEntry(process, 2, SHARED_AREA, mode), TABLE.shared | 7 | accessed);
    put(upperEntry(process, 2, LARGE_AREA, mode), mode.largeBase | 0x87);
    if (mode.hasSelfMap) put(rootOf(process, mode) + Number(SELF_INDEX) * bytes, rootOf(process, mode) | 3);
  }
  slots.forEach((slot, i) => {
    if (i % 5 !== 4) put(entryOf(slot, mode), frame(slot.group, i % 3) | (i % 5 === 3 ? 5 : 7));
  });
  [TABLE.own.p, TABLE.own.q, TABLE.shared].forEach((table, i) => { put(TABLE.shared + (WINDOW_INDEX + i) * bytes, table | 7); });
  if (mode.name === '32-bit') lines.push('cr4.PSE = 1');
  return lines;
}

/**
 * Statements that put something to read into frames; where the large page is ever split, their entries in its table as well.
 * `seed`: of the program.
 */
export function frameLines({ largeBase, bytes }: Mode, frames: Iterable<number>, largePage: 'large' | 'split', seed: number): readonly string[] {
  return [...frames].sort((a, b) => a - b).map((frame) => {
    const contents = `[gva:${hex(frame)}] = ${hex(contentsOf(frame, seed))}`;
    return largePage === 'split' ? `${contents}; entry [${hex(TABLE.split + ((frame - largeBase) >> 12) * bytes)}] = ${hex(frame | 7)}` : contents;
  });
}

/** Another in each frame, but for two of each group in every other program, which same-page merging finds. */
function contentsOf(frame: number, seed: number): number {
  const isAlike = seed % 2 === 1 && (frame - POOL >> 12) % POOL_FRAMES === 2;
  return (isAlike ? frame - 4096 : frame) + 0x11;
}
