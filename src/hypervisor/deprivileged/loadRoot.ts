import { ALL_RIGHTS } from '../../hardware/paging/accessRights';
import { RESUME } from '../../hardware/processor/rootMode';
import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { PAE_ROOTS, paeRootFor } from '../shadowWp/loadRoot';
import { makePagesAvailable } from '../shadowWp/makePagesAvailable';
import { roleOf } from '../shadowWp/role';
import { STOP_REASON } from '../vcpuState';
import type { DeprivilegedMmu } from './deprivilegedMmu';

const V = { i: 0, gbyte: 1, gfn: 2, role: 3, root: 4 } as const;

/** Gives a `RESUME`. */
export const loadRoot: ListingProcedure<DeprivilegedMmu> = {
  name: 'load_root',
  purpose: 'Makes the shadows of the table that guest CR3 names the ones that the processor walks: the guest\'s kernel and its user mode both run at CPL 3, and have one each.',
  values: [
    { name: 'i', kind: 'number' }, { name: 'gbyte', kind: 'number' }, { name: 'gfn', kind: 'number' }, { name: 'role', kind: 'number' },
    { name: 'root', kind: 'number' },
  ],
  parameters: 0,
  body: [
    when('guest CR3 names a table of its own, and no memslot holds it', (mmu) => namesTable(mmu) && mmu.memory.slots.find(mmu.cr3Frame) < 0, [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.cr3OutsideSlots), { writes: ['vcpu'] }),
    ]),
    line('i = none', {}, (_, f) => f.set(V.i, -1, -1)),
    repeat('i = next of the roots: its kernel\'s, its user mode\'s, under SMAP its kernel\'s while RFLAGS.AC is 1', (mmu, f) => nextRoot(mmu, f), [
      line('make_mmu_pages_available()', {}, (mmu) => void mmu.call(makePagesAvailable)),
      line('gbyte = none', {}, (_, f) => f.set(V.gbyte, -1, -1)),
      repeat('gbyte = next of the four GBytes, each behind a PDPTE of pae_root i; in long mode the table of CR3 has them all', (mmu, f) => nextGByte(mmu, f), [
        line('root = none', {}, (_, f) => f.set(V.root, 0, 0)),
        when('in long mode, or with paging off, or there is a page directory for it', (mmu, f) => findRoot(mmu, f), [
          line('root = get_shadow_page(gfn, role): gfn as load_root and load_pae_roots of shadow-wp find it; role with the mode bits of i, guest_user for its user mode', {}, (mmu, f) => {
            f.set(V.root, mmu.call(mmu.procedures.getShadowPage, f.lo(V.gfn), 0, f.lo(V.role), 0), 0);
          }),
          when('host memory is used up', (_, f) => f.lo(V.root) === 0, [
            give('stop the VM', (mmu) => stop(mmu, STOP_REASON.hostMemory), { writes: ['vcpu'] }),
          ]),
        ]),
        line('unpin the old root of i and gbyte, pin root; PDPTE gbyte of pae_root i, if it is one, = the table of root, or 0', { writes: ['shadow.pages', 'vcpu', 'memory'] }, (mmu, f) => {
          mmu.pinRootPage(f.lo(V.i), f.lo(V.gbyte), f.lo(V.root));
        }),
      ]),
    ]),
    line('CR3 of the return to the guest = the table of the root that its level and RFLAGS.AC ask for, or pae_root of it', { writes: ['vmcs'] }, (mmu) => mmu.setRoot()),
    line('INVPCID of all contexts: a load of CR3 drops what the TLB holds', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushForRoot()),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
};

/** With paging off there is none, and in PAE paging the PDPTEs have been loaded from it. */
function namesTable({ paging }: DeprivilegedMmu): boolean {
  return paging === 'long' || paging === '32-bit';
}

function nextRoot(mmu: DeprivilegedMmu, f: ListingFrame): boolean {
  const next = mmu.roots.find((root) => root > f.lo(V.i));
  if (next === undefined) return false;
  f.set(V.i, next, 0);
  return true;
}

/** In long mode there is one, and what is left of the others from before it. */
function nextGByte(mmu: DeprivilegedMmu, f: ListingFrame): boolean {
  for (let gbyte = f.lo(V.gbyte) + 1; gbyte < PAE_ROOTS; gbyte++) {
    if (!mmu.isPae && gbyte > 0 && mmu.rootPage(f.lo(V.i), gbyte) === 0) continue;
    f.set(V.gbyte, gbyte, 0);
    return true;
  }
  return false;
}

function findRoot(mmu: DeprivilegedMmu, f: ListingFrame): boolean {
  const mode = mmu.modeOfRoot(f.lo(V.i));
  const gbyte = f.lo(V.gbyte);
  if (!mmu.isPae && gbyte > 0) return false;
  const found = mmu.isPae ? paeRootFor(mmu, mode, gbyte) : { gfn: mmu.cr3Frame, role: roleOf(mode, mmu.rootLevel, ALL_RIGHTS, 0) };
  if (found === undefined) return false;
  f.set(V.gfn, found.gfn, 0);
  f.set(V.role, found.role, 0);
  return true;
}

function stop(mmu: DeprivilegedMmu, reason: number): number {
  mmu.vcpu.stop = reason;
  return RESUME.stopped;
}
