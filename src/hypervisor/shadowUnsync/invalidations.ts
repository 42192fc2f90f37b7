import { RESUME } from '../../hardware/processor/rootMode';
import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { indexAt } from '../host/hostProcess';
import { invpcidOf } from '../shadowWp/controlRegisters';
import { addressPage } from '../shadowWp/fetch';
import { levelOf } from '../shadowWp/role';
import { syncChildren, syncSpte } from './syncPages';
import type { UnsyncMmu } from './unsyncMmu';

const V = { gva: 0, last: 1, root: 2, sp: 3, index: 4 } as const;
/** Roots of a guest without a fourth level of tables. */
const PAE_ROOTS = 4;
/** Number of the current root, before those of the previous ones. */
const CURRENT = 0;

const flush = when<UnsyncMmu>('rights were taken away', (mmu) => mmu.mustFlush === 1, [
  line('kvm_flush_remote_tlbs(), INVVPID on every vCPU: a TLB may still hold them', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushRemoteTlbs()),
]);

export const invalidateAddress: ListingProcedure<UnsyncMmu> = {
  name: 'kvm_mmu_invalidate_addr',
  purpose: 'Where the table of gva\'s last level is out of step, its SPTE is looked at again: a TLB would have forgotten it.',
  values: [
    { name: 'gva', kind: 'gva' }, { name: 'last', kind: 'number' }, { name: 'root', kind: 'number' },
    { name: 'sp', kind: 'number' }, { name: 'index', kind: 'number' },
  ],
  parameters: 2,
  body: [
    line('root = -1', {}, (_, f) => f.set(V.root, -1, -1)),
    repeat('sp, index = SPTE of the last level for gva, from the next of the current root (0) and the previous ones, up to last', (mmu, f) => nextLeaf(mmu, f), [
      when('sp is unsync, and the SPTE is present', (mmu, f) => mmu.unsync.isUnsync(f.lo(V.sp)) && mmu.sptes.isPresent(f.lo(V.sp), f.lo(V.index)), [
        line('sync_spte(sp, index)', {}, (mmu, f) => void mmu.call(syncSpte, f.lo(V.sp), 0, f.lo(V.index), 0)),
      ]),
    ]),
    flush,
  ],
};

/**
 * With a fault that the guest is about to see, whose address is value 0: it drops what a TLB holds of that address for the current
 * PCID. SDM Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches".
 */
export const invalidateFaulting = line<UnsyncMmu>('kvm_mmu_invalidate_addr(gva, 0): a page fault drops what a TLB holds of its address', {}, (mmu, f) => {
  mmu.call(invalidateAddress, f.lo(V.gva), f.hi(V.gva), CURRENT, 0);
});

const I = { gva: 0 } as const;

/** Gives a `RESUME`. */
export const handleInvlpg: ListingProcedure<UnsyncMmu> = {
  name: 'handle_invlpg',
  purpose: 'INVLPG: the guest says that the entry of gva has changed.',
  values: [{ name: 'gva', kind: 'gva' }],
  parameters: 1,
  body: [
    line('kvm_mmu_invalidate_addr(gva, the last of the previous roots)', {}, (mmu, f) => {
      mmu.call(invalidateAddress, f.lo(I.gva), f.hi(I.gva), mmu.previous.most, 0);
    }),
    line('INVVPID of one address: gva', { writes: ['tlb', 'counters'] }, (mmu, f) => mmu.processor.invvpidAddress(f.lo(I.gva), f.hi(I.gva))),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
};

const R = { root: 2 } as const;

/** Gives a `RESUME`. Its first two values are the operands. */
export const handleInvpcid = invpcidOf<UnsyncMmu>({
  purpose: 'INVPCID: of an address as INVLPG; else the previous roots go, and what the current one leads to comes back into step.',
  values: [{ name: 'root', kind: 'number' }],
  ofAddress: [give('handle_invlpg(gva)', (mmu, f) => mmu.call(handleInvlpg, f.lo(1), f.hi(1)))],
  ofContext: [
    line('the previous roots are forgotten', { writes: ['shadow.pages', 'shadow.previous_roots'] }, (mmu) => mmu.previous.forgetAll()),
    line('root = -1', {}, (_, f) => f.set(R.root, -1, -1)),
    repeat('root = next of the current roots, below which a page is unsync', (mmu, f) => nextRoot(mmu, f), [
      line('mmu_sync_children(root)', {}, (mmu, f) => void mmu.call(syncChildren, mmu.vcpu.rootPageOf(f.lo(R.root)), 0)),
    ]),
    flush,
  ],
});

function nextLeaf(mmu: UnsyncMmu, f: ListingFrame): boolean {
  for (let root = f.lo(V.root) + 1; root <= f.lo(V.last); root++) {
    f.set(V.root, root, 0);
    let page = root === CURRENT ? mmu.rootFor(f.lo(V.gva)).page : mmu.previous.page(root);
    while (page !== 0 && levelOf(mmu.pages.roleOf(page)) > 1) {
      page = mmu.sptes.childOf(page, indexAt(addressPage(f, V.gva), levelOf(mmu.pages.roleOf(page))));
    }
    if (page === 0) continue;
    f.set(V.sp, page, 0);
    f.set(V.index, indexAt(addressPage(f, V.gva), 1), 0);
    return true;
  }
  return false;
}

function nextRoot(mmu: UnsyncMmu, f: ListingFrame): boolean {
  for (let root = f.lo(R.root) + 1; root < PAE_ROOTS; root++) {
    f.set(R.root, root, 0);
    const page = mmu.vcpu.rootPageOf(root);
    if (page !== 0 && mmu.unsync.hasUnsyncBelow(page)) return true;
  }
  return false;
}
