import type { PhysicalMemory } from '../hardware/memory/physicalMemory';
import { give, line, when, type ListingProcedure } from './listing';
import type { GuestPdptes } from './guestPdptes';
import type { SlotMemory } from './slotMemory';
import type { VcpuState } from './vcpuState';

/** Bits of CR3 that a PAE page-directory-pointer table begins at. SDM Vol. 3, "PAE Paging". */
const PDPT_ALIGNMENT = 0x1f;

/** A hypervisor that loads PDPTEs for its guest. */
export interface PdpteOwner {
  readonly memory: SlotMemory;
  readonly vcpu: VcpuState;
  /** PDPTEs on their way into the guest's registers. */
  readonly guestPdptes: GuestPdptes;
  readonly guest: { readonly memory: PhysicalMemory };
}

const D = { gpa: 0, hpa: 1 } as const;

/** Gives 1, or 0 when nothing has been loaded: #GP(0). */
export function loadPdptrs<M extends PdpteOwner>(): ListingProcedure<M> {
  return {
    name: 'load_pdptrs',
    purpose: 'PAE paging has its four PDPTEs in registers, which a load of CR3 fills: the guest\'s are kept by the hypervisor.',
    values: [{ name: 'gpa', kind: 'gpa' }, { name: 'hpa', kind: 'hpa' }],
    parameters: 1,
    body: [
      line('gpa = bits 31:5 of that CR3', {}, (_, f) => f.set(D.gpa, f.lo(D.gpa) & ~PDPT_ALIGNMENT, 0)),
      when('no memslot holds gpa', (mmu, f) => mmu.memory.slots.find(f.frame(D.gpa)) < 0, [give('none', 0)]),
      line('PDPTEs = 32 bytes of guest memory at gpa', {}, (mmu, f) => mmu.guestPdptes.read(mmu.guest.memory, mmu.memory.contentsOf(f.frame(D.gpa)), f.lo(D.gpa) & 0xfff)),
      when('one that is present has a reserved bit set', (mmu) => mmu.guestPdptes.hasIllegal, [give('none', 0)]),
      line('the guest\'s PDPTE registers = PDPTEs', { writes: ['vcpu'] }, (mmu) => mmu.vcpu.pdptes.set(mmu.guestPdptes.words)),
      give('loaded', 1),
    ],
  };
}
