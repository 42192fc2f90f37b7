import { ALL_RIGHTS } from '../../hardware/paging/accessRights';
import { RESUME } from '../../hardware/processor/rootMode';
import { VMCS } from '../../hardware/vmx/vmcs';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import { STOP_REASON } from '../vcpuState';
import { PAE_ROOT_LEVEL } from '../shadowWp/guestMode';
import { loadPaeRootsOf } from '../shadowWp/loadRoot';
import { makePagesAvailable } from '../shadowWp/makePagesAvailable';
import { roleOf } from '../shadowWp/role';
import { CR3_LOAD } from '../shadowWp/shadowMmu';
import { syncChildren } from './syncPages';
import type { UnsyncMmu } from './unsyncMmu';

/** Roots of a guest without a fourth level of tables. */
const PAE_ROOTS = 4;
const V = { gfn: 0, role: 1, root: 2, known: 3 } as const;

/** Gives a `RESUME`. */
export const loadRoot: ListingProcedure<UnsyncMmu> = {
  name: 'load_root',
  purpose: 'Makes the shadow of the table that guest CR3 names the one that the processor walks, in step as a load of CR3 promises.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'role', kind: 'number' }, { name: 'root', kind: 'number' }, { name: 'known', kind: 'number' }],
  parameters: 0,
  body: [
    when('CR0, CR4 or EFER was written, which flushes every PCID or changes the role', (mmu) => mmu.cr3Load === CR3_LOAD.none, [
      line('the previous roots are forgotten', { writes: ['shadow.pages', 'shadow.previous_roots'] }, (mmu) => mmu.previous.forgetAll()),
    ]),
    when('the guest has no tables of 4 levels or 5', (mmu) => mmu.rootLevel === PAE_ROOT_LEVEL, [give('load_pae_roots()', (mmu) => mmu.call(loadPaeRoots))]),
    line('gfn = guest CR3 >> 12, role = its highest level with every right, and the mode bits of CR0, CR4 and EFER', {}, (mmu, f) => {
      f.set(V.gfn, mmu.cr3Frame, 0);
      f.set(V.role, roleOf(mmu.mode, mmu.rootLevel, ALL_RIGHTS, 0), 0);
    }),
    when('no memslot holds gfn', (mmu, f) => mmu.memory.slots.find(f.lo(V.gfn)) < 0, [
      give('stop the VM', (mmu) => {
        mmu.vcpu.stop = STOP_REASON.cr3OutsideSlots;
        return RESUME.stopped;
      }, { writes: ['vcpu'] }),
    ]),
    line('root = known = the current or a previous root of this guest CR3 and role, or none', {}, (mmu, f) => {
      f.set(V.known, mmu.previous.find(mmu.vcpu.cr3Lo, mmu.vcpu.cr3Hi, f.lo(V.role)), 0);
      f.set(V.root, f.lo(V.known), 0);
    }),
    when('root is none', (_, f) => f.lo(V.root) === 0, [
      line('make_mmu_pages_available()', {}, (mmu) => void mmu.call(makePagesAvailable)),
      line('root = get_shadow_page(gfn, role)', {}, (mmu, f) => f.set(V.root, mmu.call(mmu.procedures.getShadowPage, f.lo(V.gfn), 0, f.lo(V.role), 0), 0)),
      when('host memory is used up', (_, f) => f.lo(V.root) === 0, [
        give('stop the VM', (mmu) => {
          mmu.vcpu.stop = STOP_REASON.hostMemory;
          return RESUME.stopped;
        }, { writes: ['vcpu'] }),
      ]),
    ]),
    when('translations of its PCID are to be dropped (bit 63 of the value is 0), or root is not known', (mmu, f) => mustSync(mmu, f), [
      line('previous roots with this PCID are forgotten', { writes: ['shadow.pages', 'shadow.previous_roots'] }, (mmu, f) => {
        mmu.previous.forgetPcid(mmu.vcpu.cr3Lo, f.lo(V.root));
      }),
      when('a page below root is unsync', (mmu, f) => mmu.unsync.hasUnsyncBelow(f.lo(V.root)), [
        line('mmu_sync_children(root)', {}, (mmu, f) => void mmu.call(syncChildren, f.lo(V.root), 0)),
      ]),
    ]),
    line('root is pinned and current; what was current is the first of the previous roots, and the last of them gives way',
      { writes: ['shadow.pages', 'shadow.previous_roots', 'vcpu'] }, (mmu, f) => {
        mmu.previous.makeCurrent(mmu.vcpu.cr3Lo, mmu.vcpu.cr3Hi, f.lo(V.root));
        mmu.pinRoot(0, f.lo(V.root));
        for (let other = 1; other < PAE_ROOTS; other++) mmu.pinRoot(other, 0);
      }),
    line('VMCS guest CR3 = the table of root', { writes: ['vmcs'] }, (mmu, f) => {
      const frame = mmu.pages.frameOf(f.lo(V.root));
      mmu.setVmcs(VMCS.guest_cr3, frame << 12, frame >>> 20);
    }),
    line('INVVPID: the TLB has all PCIDs of the guest as one', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushForRoot()),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
};

/** Value of `load_pae_roots` with the root. */
const PAE_ROOT = 3;

export const loadPaeRoots = loadPaeRootsOf<UnsyncMmu>({
  withRoot: [
    when('a page below root is unsync', (mmu, f) => f.lo(PAE_ROOT) !== 0 && mmu.unsync.hasUnsyncBelow(f.lo(PAE_ROOT)), [
      line('mmu_sync_children(root)', {}, (mmu, f) => void mmu.call(syncChildren, f.lo(PAE_ROOT), 0)),
    ]),
  ],
  withRoots: [],
});

function mustSync(mmu: UnsyncMmu, f: ListingFrame): boolean {
  return mmu.cr3Load !== CR3_LOAD.keeps || f.lo(V.known) === 0;
}
