import { frameOfAddress } from '../../hardware/memory/frameNumber';
import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import type { SlotMemory } from '../slotMemory';

/** State that a line changes which writes L1's memory for L1. */
export const L1_MEMORY = ['memory', 'vm.dirty_bitmap'] as const;

/**
 * L1's guest-physical memory, word by word, as L0 reads and writes it for L1 (KVM's kvm_read_guest and kvm_write_guest):
 * VMCS regions and bitmaps lie there. Where no slot is, reads give ones and writes go nowhere, as on a bus without memory.
 */
export class GuestHypervisorMemory {
  constructor(private readonly memory: PhysicalMemory, private readonly slots: SlotMemory, private readonly cpu: number) {}

  /** The aligned word at guest-physical address (lo, hi). A page that nothing backs yet holds zeros, and stays so. */
  load32(lo: number, hi: number): number {
    const gfn = frameOfAddress(lo, hi);
    const frame = this.slots.contentsOf(gfn);
    if (frame < 0) return this.absentWord(gfn);
    return this.memory.load32((frame << 12) | (lo & 0xfff), frame >>> 20);
  }

  /** The aligned words from (lo, hi) on that fill `into`; all of them lie in one page. */
  loadWords(lo: number, hi: number, into: Int32Array): void {
    const gfn = frameOfAddress(lo, hi);
    const frame = this.slots.contentsOf(gfn);
    if (frame < 0) {
      into.fill(this.absentWord(gfn));
      return;
    }
    const at = (frame << 12) | (lo & 0xfff);
    for (let word = 0; word < into.length; word++) into[word] = this.memory.load32(at + 4 * word, frame >>> 20);
  }

  /** Writes a word of a page that `back` has given a host frame of its own. */
  store32(lo: number, hi: number, value: number): void {
    const gfn = frameOfAddress(lo, hi);
    const frame = this.slots.frameOf(gfn);
    if (frame < 0) return;
    this.slots.dirty.mark(gfn, this.cpu);
    this.memory.store32((frame << 12) | (lo & 0xfff), frame >>> 20, value);
  }

  /** Backs guest frame `gfn` for writing, as get_user_pages does; false: no slot has it, or host memory is used up. */
  back(gfn: number): boolean {
    return this.slots.backFor(gfn, this.cpu) >= 0;
  }

  private absentWord(gfn: number): number {
    return this.slots.hvaPageOf(gfn) < 0 ? -1 : 0;
  }
}
