import { PAGE_RIGHTS } from '../hardware/paging/accessRights';
import { CR0, CR4, EFER, RFLAGS } from '../hardware/processor/controlRegisters';
import { LONG4 } from '../hardware/paging/formats/long4';
import type { PhysicalMemory } from '../hardware/memory/physicalMemory';
import type { Processor } from '../hardware/processor/processor';
import { REGISTER } from '../hardware/processor/registers';
import { EntryMaker } from '../hypervisor/entryMaker';
import type { GuestMemory } from '../hypervisor/guestMemory';

/** Where the loader puts the first tables: guest frames. Those below 1 MiB are the loader's. */
const PML4_FRAME = 1;
const PDPT_FRAME = 2;
const FIRST_PD_FRAME = 3;
/** PML4 entry of the direct map: linear addresses from 0xffff888000000000, as Linux has it. */
const DIRECT_MAP_ENTRY = 273;
const LARGE_PAGE = 2 * 1024 * 1024;
const ENTRIES = 512;

/**
 * Loads the guest as a boot loader would: paging on in 4-level mode, and first tables that map all
 * RAM at the kernel's direct map with 2-MByte pages, supervisor, writable, not executable. They are
 * written from outside, before the guest's first instruction; everything after is the guest's own.
 */
export function loadGuest(memory: PhysicalMemory, guestMemory: GuestMemory, processors: readonly Processor[], ram: number): void {
  const maker = new EntryMaker(LONG4);
  const write = (table: number, index: number): void => {
    const frame = guestMemory.back(table);
    memory.store32((frame << 12) | (index << 3), frame >>> 20, maker.lo);
    memory.store32((frame << 12) | (index << 3) | 4, frame >>> 20, maker.hi);
  };
  const writeTable = (table: number, index: number, target: number): void => {
    maker.make(target, PAGE_RIGHTS.writable | PAGE_RIGHTS.executable);
    maker.markAccessed();
    write(table, index);
  };
  const pages = Math.ceil(ram / LARGE_PAGE);
  writeTable(PML4_FRAME, DIRECT_MAP_ENTRY, PDPT_FRAME);
  for (let page = 0; page < pages; page++) {
    const directory = Math.floor(page / ENTRIES);
    if (page % ENTRIES === 0) writeTable(PDPT_FRAME, directory, FIRST_PD_FRAME + directory);
    maker.make(page * ENTRIES, PAGE_RIGHTS.writable);
    maker.markAccessed();
    maker.markDirty();
    maker.markLarge();
    write(FIRST_PD_FRAME + directory, page % ENTRIES);
  }
  for (const { registers } of processors) {
    registers[2 * REGISTER.cr0] = CR0.PE | CR0.ET | CR0.NE | CR0.WP | CR0.PG;
    registers[2 * REGISTER.cr3] = PML4_FRAME << 12;
    registers[2 * REGISTER.cr4] = CR4.PAE;
    registers[2 * REGISTER.efer] = EFER.LME | EFER.LMA | EFER.NXE;
    registers[2 * REGISTER.rflags] = RFLAGS.fixed;
  }
}
