import type { VirtualMachine } from '../virtualMachine';

const PAGE_SHIFT = 12;

/** Where a slot is to be. */
export interface PrivateRange {
  readonly id: number;
  readonly baseGfn: number;
  readonly pages: number;
}

/** A memory slot that the hypervisor adds for itself (KVM's private memslots): the processor reads what it holds while the guest runs. */
export class PrivateSlot {
  constructor(private readonly vm: VirtualMachine, private readonly range: PrivateRange) {}

  get isThere(): boolean {
    return this.vm.slots.withId(this.range.id) >= 0;
  }

  /** Adds the slot and backs all of it; false when host memory is used up. */
  add(): boolean {
    const { vm, range: { id, baseGfn, pages } } = this;
    const place = vm.slotKeeper.backing.makePlace(baseGfn, pages, vm.processors[0]!.cpu);
    if (place === undefined) return false;
    vm.slots.add({ id, baseGfn, pages, place, kind: 'ram' });
    for (let page = 0; page < pages; page++) if (vm.memory.back(baseGfn + page) < 0) return false;
    return true;
  }

  /** Writes the aligned word at byte `offset` of the slot. */
  write(offset: number, value: number): void {
    const frame = this.vm.memory.frameOf(this.range.baseGfn + (offset >>> PAGE_SHIFT));
    this.vm.host.memory.store32((frame << PAGE_SHIFT) | (offset & 0xfff), frame >>> 20, value);
  }
}
