import { ALL_RIGHTS } from '../../hardware/paging/accessRights';
import { RESUME } from '../../hardware/processor/rootMode';
import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { makePagesAvailable } from '../shadowWp/makePagesAvailable';
import { directRoleOf, roleOf } from '../shadowWp/role';
import { STOP_REASON } from '../vcpuState';
import type { DeprivilegedMmu } from './deprivilegedMmu';

const V = { gfn: 0, i: 1, role: 2, root: 3 } as const;

/** Gives a `RESUME`. */
export const loadRoot: ListingProcedure<DeprivilegedMmu> = {
  name: 'load_root',
  purpose: 'Makes the shadows of the table that guest CR3 names the ones that the processor walks: the guest\'s kernel and its user mode both run at CPL 3, and have one each.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'i', kind: 'number' }, { name: 'role', kind: 'number' }, { name: 'root', kind: 'number' }],
  parameters: 0,
  body: [
    line('gfn = guest CR3 >> 12; 0 while the guest has paging off', {}, (mmu, f) => f.set(V.gfn, mmu.paging === 'none' ? 0 : mmu.cr3Frame, 0)),
    when('no memslot holds gfn', (mmu, f) => mmu.memory.slots.find(f.lo(V.gfn)) < 0, [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.cr3OutsideSlots), { writes: ['vcpu'] }),
    ]),
    line('make_mmu_pages_available()', {}, (mmu) => void mmu.call(makePagesAvailable)),
    line('i = none', {}, (_, f) => f.set(V.i, -1, -1)),
    repeat('i = next of the roots: its kernel\'s, its user mode\'s, under SMAP its kernel\'s while RFLAGS.AC is 1', (mmu, f) => nextRoot(mmu, f), [
      line('role = the highest level of its tables, every right, the mode bits of CR0, CR4 and EFER, and guest_user for its user mode; direct with paging off', {}, (mmu, f) => {
        const mode = mmu.modeOfRoot(f.lo(V.i));
        f.set(V.role, mmu.paging === 'none' ? directRoleOf(mode, mmu.rootLevel, ALL_RIGHTS, 0) : roleOf(mode, mmu.rootLevel, ALL_RIGHTS, 0), 0);
      }),
      line('root = get_shadow_page(gfn, role)', {}, (mmu, f) => f.set(V.root, mmu.call(mmu.procedures.getShadowPage, f.lo(V.gfn), 0, f.lo(V.role), 0), 0)),
      when('host memory is used up', (_, f) => f.lo(V.root) === 0, [
        give('stop the VM', (mmu) => stop(mmu, STOP_REASON.hostMemory), { writes: ['vcpu'] }),
      ]),
      line('unpin the old root i, pin root', { writes: ['shadow.pages', 'vcpu'] }, (mmu, f) => mmu.pinRoot(f.lo(V.i), f.lo(V.root))),
    ]),
    line('CR3 of the return to the guest = the table of the root that its level and RFLAGS.AC ask for', { writes: ['vmcs'] }, (mmu) => mmu.setRoot()),
    line('INVPCID of all contexts: a load of CR3 drops what the TLB holds', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushForRoot()),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
};

function nextRoot(mmu: DeprivilegedMmu, f: ListingFrame): boolean {
  const next = mmu.roots.find((root) => root > f.lo(V.i));
  if (next === undefined) return false;
  f.set(V.i, next, 0);
  return true;
}

function stop(mmu: DeprivilegedMmu, reason: number): number {
  mmu.vcpu.stop = reason;
  return RESUME.stopped;
}
