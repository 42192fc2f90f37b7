import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { RESUME } from '../../hardware/processor/rootMode';
import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import { VMCS } from '../../hardware/vmx/vmcs';
import { indexAt } from '../host/hostProcess';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import { STOP_REASON } from '../vcpuState';
import { loadRoot } from './loadRoot';
import { handlePageFault } from './pageFault';
import type { ShadowMmu } from './shadowMmu';

const F = { gva: 0, error_code: 1 } as const;
/** Lines of `load_root` behind that which gives the VMCS its CR3: INVVPID, and the end. */
const AFTER_CR3 = 2;

/**
 * `sabotage load_guest_cr3_raw`: what the hypervisor does when the guest loads CR3, and one thing more. It is `load_root` in the
 * place of the one without.
 */
export const loadRawRoot: ListingProcedure<ShadowMmu> = {
  ...loadRoot,
  body: [
    ...loadRoot.body.slice(0, -AFTER_CR3),
    when('the guest has loaded CR3 itself', (mmu) => mmu.vmcs(VMCS.exit_reason) === EXIT_REASON.cr_access, [
      line('sabotage: VMCS guest CR3 = guest CR3 as it is, a guest-physical address where the processor needs a host-physical one',
        { writes: ['vmcs'] }, (mmu) => mmu.setVmcs(VMCS.guest_cr3, mmu.vcpu.cr3Lo, mmu.vcpu.cr3Hi)),
    ]),
    ...loadRoot.body.slice(-AFTER_CR3),
  ],
};

/** The same of `handle_page_fault`: what it repairs is not what the processor walks. */
export const handleForeignFault: ListingProcedure<ShadowMmu> = {
  ...handlePageFault,
  body: [
    when('VMCS guest CR3 is not the table of root, and the shadow tables allow the access: it would come for ever', (mmu, f) => walksOthers(mmu) && shadowAllows(mmu, f), [
      give('stop the VM', (mmu) => {
        mmu.vcpu.stop = STOP_REASON.foreignTables;
        return RESUME.stopped;
      }, { writes: ['vcpu'] }),
    ]),
    ...handlePageFault.body,
  ],
};

function walksOthers(mmu: ShadowMmu): boolean {
  const frame = mmu.pages.frameOf(mmu.vcpu.rootPage);
  return mmu.vmcs(VMCS.guest_cr3) !== frame << 12 || mmu.vmcs(VMCS.guest_cr3 + 1) !== frame >>> 20;
}

/** Told from the shadow pages: from the root of guest CR3 down. */
function shadowAllows(mmu: ShadowMmu, f: ListingFrame): boolean {
  const address = (f.hi(F.gva) >>> 0) * 0x100000 + (f.lo(F.gva) >>> 12);
  let page = mmu.vcpu.rootPage;
  let level = mmu.rootLevel;
  for (; level > 1 && page !== 0 && !mmu.sptes.isLarge(page, indexAt(address, level)); level--) page = mmu.sptes.childOf(page, indexAt(address, level));
  if (page === 0) return false;
  const leaf = indexAt(address, level);
  return (f.lo(F.error_code) & PFEC.W) !== 0 ? mmu.sptes.isWritable(page, leaf) : mmu.sptes.isPresent(page, leaf);
}
