import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import type { SlotMemory } from '../slotMemory';

const PAGE_SHIFT = 12;
const PAGE_MASK = 0xfff;
const BYTE = 0xff;
const ONES = 0xff;

/**
 * Guest memory below 4 GBytes, byte by byte, as the hypervisor reads and writes it for a guest without paging (KVM's
 * kvm_read_guest and kvm_write_guest). Where no slot is, and in ROM, writes go nowhere, and ones are read where none is.
 */
export class GuestBytes {
  constructor(private readonly memory: PhysicalMemory, private readonly slots: SlotMemory, private readonly cpu: number) {}

  load16(gpa: number): number {
    return this.load8(gpa) | (this.load8(gpa + 1) << 8);
  }

  store16(gpa: number, value: number): void {
    this.store8(gpa, value & BYTE);
    this.store8(gpa + 1, (value >>> 8) & BYTE);
  }

  private load8(gpa: number): number {
    const frame = this.slots.backFor(gpa >>> PAGE_SHIFT, this.cpu, 0);
    return frame < 0 ? ONES : this.memory.load8((frame << PAGE_SHIFT) | (gpa & PAGE_MASK), frame >>> 20);
  }

  private store8(gpa: number, value: number): void {
    const gfn = gpa >>> PAGE_SHIFT;
    const { slots } = this.slots;
    if (slots.isReadOnly(slots.find(gfn))) return;
    const frame = this.slots.backFor(gfn, this.cpu);
    if (frame < 0) return;
    this.slots.dirty.mark(gfn, this.cpu);
    this.memory.store8((frame << PAGE_SHIFT) | (gpa & PAGE_MASK), frame >>> 20, value);
  }
}
