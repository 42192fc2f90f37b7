import type { Machine } from '../../src/engine/machine/machine';
import type { Ept } from '../../src/hypervisor/ept/ept';
import { USE } from '../../src/hypervisor/host/hostFrames';
import { SECONDARY, VMCS } from '../../src/hardware/vmx/vmcs';
import { ENTRIES, entryAt, hex, span } from './tableWords';

/** R, W and X; then the memory type of a leaf. SDM Vol. 3, "EPT Translation Mechanism" and "EPT and Memory Typing". */
const ALL = 7;
const MEMORY_TYPE = 0x38;
const WRITE_BACK = 6 << 3;
const LARGE = 0x80;
const W = 2;
/** W and X without R: KVM's mark of MMIO. */
const MMIO = 6;
const DIRTY = 0x200;
/** Bit 58: KVM's mark of a page that only waits for its first write. */
const MMU_WRITABLE = 1 << 26;

/** What is wrong with the EPT of `machine` as it stands; nothing when all is well. `isTracked`: nobody may write there. */
export function auditEpt(machine: Machine, technique: Ept, isTracked: (gfn: number) => boolean = () => false): readonly string[] {
  const { vm } = technique;
  const wrong: string[] = [];
  let tables = 0;
  const logged = pagesInBuffers(technique);
  const visit = (table: number, level: number, firstGfn: number): void => {
    tables++;
    if (vm.frames.useOf(table) !== USE.eptTable) wrong.push(`the EPT table at hpa ${hex(table)} lies in a frame of another use`);
    for (let index = 0; index < ENTRIES; index++) {
      const { lo, hi, frame } = entryAt(vm.host.reach, table, index);
      if ((lo & ALL) === 0) continue;
      const gfn = firstGfn + index * span(level);
      const at = `EPT entry of level ${level} for ${hex(gfn)}`;
      if ((lo & ALL) === MMIO) {
        if (level > 1) wrong.push(`${at} says MMIO, and is no PTE`);
        if ((((hi & 0x7ffff) << 20) | (lo >>> 12)) !== gfn) wrong.push(`${at} says MMIO of another frame`);
        const generation = ((lo >>> 3) & 0xff) | (((hi >>> 20) & 0x3ff) << 8);
        if (vm.slots.find(gfn) >= 0 && generation === vm.slots.generation % 2 ** 18) wrong.push(`${at} says MMIO of what a slot holds, by the present generation`);
        continue;
      }
      const isLeaf = level === 1 || (lo & LARGE) !== 0;
      const isWithheld = isLeaf && (vm.slots.isReadOnly(vm.slots.find(gfn)) || (hi & MMU_WRITABLE) !== 0 || !vm.memory.isWritable(gfn) || isTracked(gfn));
      if ((lo & ALL) !== (isWithheld ? ALL & ~W : ALL)) wrong.push(`${at} withholds a right, or gives one that is withheld`);
      if (level === 1 && lo & W && vm.dirty.awaitsWrite(gfn) !== 0) wrong.push(`${at} is writable, and its page is clean in a logged slot`);
      if (level === 1 && lo & DIRTY && vm.dirty.noticedBy === 'processor' && vm.dirty.isLogged(gfn) && !vm.dirty.isDirty(gfn) && !logged.has(gfn)) {
        wrong.push(`${at} is dirty, and its page in no log`);
      }
      if (!isLeaf) {
        visit(frame, level - 1, gfn);
        continue;
      }
      if ((lo & MEMORY_TYPE) !== WRITE_BACK) wrong.push(`${at} is not write-back`);
      for (let page = 0; page < span(level); page++) {
        if (vm.slots.find(gfn + page) < 0) wrong.push(`${at}: no memslot holds ${hex(gfn + page)}`);
        const backing = vm.memory.frameOf(gfn + page);
        if (backing !== frame + page) wrong.push(`${at} maps ${hex(gfn + page)} to ${hex(frame + page)}, and the host's table to ${hex(backing)}`);
        if (vm.frames.useOf(frame + page) !== USE.guestPage) wrong.push(`${at} maps a frame that is no guest page's`);
      }
    }
  };
  for (const root of technique.roots()) visit(root.frame, 4, 0);
  if (vm.frames.count(USE.eptTable) !== tables) wrong.push(`${vm.frames.count(USE.eptTable)} EPT tables are counted, and ${tables} are linked`);
  return wrong;
}

/** Guest frames that wait in the page-modification logs of the CPUs. SDM Vol. 3, "Page-Modification Logging". */
function pagesInBuffers({ vm: { processors, host } }: Ept): ReadonlySet<number> {
  const found = new Set<number>();
  for (const { hypervisor } of processors) {
    if ((hypervisor.read(VMCS.secondary_controls) & SECONDARY.enablePml) === 0) continue;
    const frame = hypervisor.read(VMCS.pml_address) >>> 12;
    for (let index = ((hypervisor.read(VMCS.pml_index) + 1) & 0xffff); index < 512; index++) found.add(entryAt(host.reach, frame, index).frame);
  }
  return found;
}
