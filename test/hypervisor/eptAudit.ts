import type { Machine } from '../../src/engine/machine';
import type { Ept } from '../../src/hypervisor/ept/ept';
import { USE } from '../../src/hypervisor/host/hostFrames';
import { ENTRIES, entryAt, hex, span } from './tableWords';

/** R, W and X; then the memory type of a leaf. SDM Vol. 3, "EPT Translation Mechanism" and "EPT and Memory Typing". */
const ALL = 7;
const MEMORY_TYPE = 0x38;
const WRITE_BACK = 6 << 3;
const LARGE = 0x80;

/** What is wrong with the EPT of `machine` as it stands; nothing when all is well. */
export function auditEpt(machine: Machine, technique: Ept): readonly string[] {
  const { vm } = technique;
  const wrong: string[] = [];
  let tables = 0;
  const visit = (table: number, level: number, firstGfn: number): void => {
    tables++;
    if (vm.frames.useOf(table) !== USE.eptTable) wrong.push(`the EPT table at hpa ${hex(table)} lies in a frame of another use`);
    for (let index = 0; index < ENTRIES; index++) {
      const { lo, frame } = entryAt(machine.memory, table, index);
      if ((lo & ALL) === 0) continue;
      const gfn = firstGfn + index * span(level);
      const at = `EPT entry of level ${level} for ${hex(gfn)}`;
      if ((lo & ALL) !== ALL) wrong.push(`${at} withholds a right`);
      if (level > 1) {
        if (lo & LARGE) wrong.push(`${at} maps a large page, and the host backs with 4 KBytes`);
        visit(frame, level - 1, gfn);
        continue;
      }
      if ((lo & MEMORY_TYPE) !== WRITE_BACK) wrong.push(`${at} is not write-back`);
      if (vm.slots.find(gfn) < 0) wrong.push(`${at}: no memslot holds it`);
      if (vm.memory.frameOf(gfn) !== frame) wrong.push(`${at} maps ${hex(frame)}, and the host's table ${hex(vm.memory.frameOf(gfn))}`);
      if (vm.frames.useOf(frame) !== USE.guestPage || vm.frames.detailOf(frame) !== gfn) wrong.push(`${at} maps a frame that is not this guest page's`);
    }
  };
  for (const root of technique.roots()) visit(root.frame, 4, 0);
  if (vm.frames.count(USE.eptTable) !== tables) wrong.push(`${vm.frames.count(USE.eptTable)} EPT tables are counted, and ${tables} are linked`);
  return wrong;
}
