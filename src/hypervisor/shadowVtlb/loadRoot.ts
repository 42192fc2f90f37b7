import { RESUME } from '../../hardware/processor/rootMode';
import { VMCS } from '../../hardware/vmx/vmcs';
import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { PAE_ROOT_LEVEL } from '../shadowWp/guestMode';
import { makePagesAvailable } from '../shadowWp/makePagesAvailable';
import { CR3_LOAD } from '../shadowWp/shadowMmu';
import { STOP_REASON } from '../vcpuState';
import { forgetLeaves, zapOrphans } from './vtlbFlush';
import type { VtlbMmu } from './vtlbMmu';

const V = { i: 0, sp: 1, index: 2 } as const;

/** Gives a `RESUME`. */
export const loadRoot: ListingProcedure<VtlbMmu> = {
  name: 'load_root',
  purpose: 'After a load of CR3, CR0, CR4 or EFER: what the TLB forgets then, the virtual one forgets. No table of the guest is looked at.',
  values: [{ name: 'i', kind: 'number' }, { name: 'sp', kind: 'number' }, { name: 'index', kind: 'number' }],
  parameters: 0,
  body: [
    when('guest CR3 names a table, and no memslot holds it', (mmu) => isOutside(mmu), [
      give('stop the VM', (mmu) => {
        mmu.vcpu.stop = STOP_REASON.cr3OutsideSlots;
        return RESUME.stopped;
      }, { writes: ['vcpu'] }),
    ]),
    when('it was CR3', (mmu) => mmu.cr3Load !== CR3_LOAD.none, [
      ...forgetLeaves(', without G', V.sp, () => 0),
      line('INVVPID, which retains globals too', { writes: ['tlb', 'counters'] }, (mmu) => mmu.processor.invvpidRetainingGlobals()),
      give('to the guest, behind the instruction', RESUME.completed),
    ]),
    line('the roots are given up: the guest\'s entries mean something else now, or all PCIDs and globals are flushed',
      { writes: ['shadow.pages', 'vcpu', 'memory'] }, (mmu) => mmu.dropRoots()),
    line('zap_orphans(): the virtual TLB is empty', {}, (mmu) => void mmu.call(zapOrphans)),
    line('make_mmu_pages_available()', {}, (mmu) => void mmu.call(makePagesAvailable)),
    line('i = -1', {}, (_, f) => f.set(V.i, -1, -1)),
    repeat('i = next root that the processor needs: one, or one for each of four GBytes', (mmu, f) => nextRoot(mmu, f), [
      line('sp = get_shadow_page(i << 30, the highest level), for which the old roots have left room', {}, (mmu, f) => f.set(V.sp, makeRoot(mmu, f), 0)),
      line('pin sp', { writes: ['shadow.pages', 'vcpu'] }, (mmu, f) => mmu.pinRoot(f.lo(V.i), f.lo(V.sp))),
      when('the processor has PAE paging: the guest has no tables of 4 levels or 5', (mmu) => mmu.rootLevel === PAE_ROOT_LEVEL, [
        line('PDPTE i of pae_root = the table of sp', { writes: ['memory'] }, (mmu, f) => mmu.setPaeRoot(f.lo(V.i), f.lo(V.sp))),
      ]),
    ]),
    line('VMCS guest CR3 = the table of the root, or pae_root', { writes: ['vmcs'] }, (mmu) => {
      const frame = mmu.rootLevel === PAE_ROOT_LEVEL ? mmu.vcpu.paeRoot : mmu.pages.frameOf(mmu.vcpu.rootPage);
      mmu.setVmcs(VMCS.guest_cr3, frame << 12, frame >>> 20);
    }),
    line('INVVPID', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushForRoot()),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
};

/** PAE paging has its four PDPTEs in registers, and without paging CR3 names nothing. */
function isOutside(mmu: VtlbMmu): boolean {
  const { paging } = mmu;
  return (paging === 'long' || paging === '32-bit') && mmu.memory.slots.find(mmu.cr3Frame) < 0;
}

function nextRoot(mmu: VtlbMmu, f: ListingFrame): boolean {
  if (f.lo(V.i) + 1 === mmu.rootsNeeded) return false;
  f.set(V.i, f.lo(V.i) + 1, 0);
  return true;
}

/** A vCPU never needs more roots than it had: the first ones are made before the guest runs, and long mode, which has one, is not left. */
function makeRoot(mmu: VtlbMmu, f: ListingFrame): number {
  const level = mmu.rootsNeeded === 1 ? mmu.rootLevel : PAE_ROOT_LEVEL - 1;
  const page = mmu.call(mmu.procedures.getShadowPage, f.lo(V.i) << 30, 0, mmu.roleAt(level, 'pages'), 0);
  if (page === 0) throw new Error('invariant: there is no host frame for a root of the virtual TLB');
  return page;
}
