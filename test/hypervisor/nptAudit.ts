import type { Machine } from '../../src/engine/machine/machine';
import { USE } from '../../src/hypervisor/host/hostFrames';
import type { Npt } from '../../src/hypervisor/npt/npt';
import { ENTRIES, entryAt, hex, isExecutable, isLarge, isPresent, isUser, isWritable, span } from './tableWords';

/** Bit 51: KVM's mark of MMIO. */
const RESERVED_HI = 1 << (51 - 32);
/** Bit 58: KVM's mark of a page that only waits for its first write. */
const MMU_WRITABLE = 1 << 26;
const LEVELS = 4;

/** What is wrong with the nested tables of `machine` as they stand; nothing when all is well. APM Vol. 2, "Nested Paging". */
export function auditNpt({ memory }: Machine, technique: Npt): readonly string[] {
  const { vm } = technique;
  const wrong: string[] = [];
  let tables = 0;
  const visit = (table: number, level: number, firstGfn: number): void => {
    tables++;
    if (vm.frames.useOf(table) !== USE.eptTable) wrong.push(`the nested table at hpa ${hex(table)} lies in a frame of another use`);
    for (let index = 0; index < ENTRIES; index++) {
      const entry = entryAt(memory, table, index);
      if (!isPresent(entry)) continue;
      const { lo, hi, frame } = entry;
      const gfn = firstGfn + index * span(level);
      const at = `nested entry of level ${level} for ${hex(gfn)}`;
      if ((hi & RESERVED_HI) !== 0) {
        if (level > 1) wrong.push(`${at} says MMIO, and is no PTE`);
        if ((((hi & 0x7ffff) << 20) | (lo >>> 12)) !== gfn) wrong.push(`${at} says MMIO of another frame`);
        const generation = ((lo >>> 3) & 0xff) | (((hi >>> 20) & 0x3ff) << 8);
        if (vm.slots.find(gfn) >= 0 && generation === vm.slots.generation % 2 ** 18) wrong.push(`${at} says MMIO of what a slot holds, by the present generation`);
        continue;
      }
      if (!isUser(entry) || !isExecutable(entry)) wrong.push(`${at} withholds US or has XD`);
      if (level > 1 && !isLarge(entry)) {
        if (!isWritable(entry)) wrong.push(`${at} references a table without RW`);
        visit(frame, level - 1, gfn);
        continue;
      }
      const isWithheld = vm.slots.isReadOnly(vm.slots.find(gfn)) || (hi & MMU_WRITABLE) !== 0 || !vm.memory.isWritable(gfn);
      if (isWritable(entry) === isWithheld) wrong.push(`${at} withholds RW, or gives it where it is withheld`);
      if (level === 1 && isWritable(entry) && vm.dirty.awaitsWrite(gfn) !== 0) wrong.push(`${at} is writable, and its page is clean in a logged slot`);
      for (let page = 0; page < span(level); page++) {
        if (vm.slots.find(gfn + page) < 0) wrong.push(`${at}: no memslot holds ${hex(gfn + page)}`);
        const backing = vm.memory.frameOf(gfn + page);
        if (backing !== frame + page) wrong.push(`${at} maps ${hex(gfn + page)} to ${hex(frame + page)}, and the host's table to ${hex(backing)}`);
        if (vm.frames.useOf(frame + page) !== USE.guestPage) wrong.push(`${at} maps a frame that is no guest page's`);
      }
    }
  };
  for (const root of technique.roots()) visit(root.frame, LEVELS, 0);
  if (vm.frames.count(USE.eptTable) !== tables) wrong.push(`${vm.frames.count(USE.eptTable)} nested tables are counted, and ${tables} are linked`);
  return wrong;
}
