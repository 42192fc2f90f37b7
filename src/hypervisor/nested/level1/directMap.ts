import type { PhysicalMemory } from '../../../hardware/memory/physicalMemory';
import { PAGE_RIGHTS } from '../../../hardware/paging/accessRights';
import { LONG4 } from '../../../hardware/paging/formats/long4';
import { EntryMaker } from '../../entryMaker';
import type { GuestMemory } from '../../guestMemory';

/** L1's frames with its PML4 and PDPT, which a loader has made. */
const PML4_FRAME = 1;
const PDPT_FRAME = 2;
/** Where Linux has the direct map of physical memory on x86-64: its high half, and the entry of the PML4 that it begins in. */
export const DIRECT_MAP_HI = 0xffff8880 | 0;
const PML4_INDEX = 273;
/** Frames of an entry of the PDPT. */
const GBYTE_FRAMES = 1 << 18;

/** Address of L1's root table. */
export const L1_CR3 = PML4_FRAME << 12;

/** L1's own tables: all of its memory, `frames` long, in pages of 1 GByte at the direct map; supervisor, writable. */
export function loadDirectMap(memory: PhysicalMemory, l1: GuestMemory, frames: number): void {
  const maker = new EntryMaker(LONG4);
  const write = (table: number, index: number): void => {
    const frame = l1.back(table);
    memory.store32((frame << 12) | (index << 3), frame >>> 20, maker.lo);
    memory.store32((frame << 12) | (index << 3) | 4, frame >>> 20, maker.hi);
  };
  maker.make(PDPT_FRAME, PAGE_RIGHTS.writable);
  maker.markAccessed();
  write(PML4_FRAME, PML4_INDEX);
  for (let index = 0; index * GBYTE_FRAMES < frames; index++) {
    maker.make(index * GBYTE_FRAMES, PAGE_RIGHTS.writable);
    maker.markAccessed();
    maker.markDirty();
    maker.markLarge();
    write(PDPT_FRAME, index);
  }
}
