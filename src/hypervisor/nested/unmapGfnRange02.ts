import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import type { NestedMmu } from './nestedMmu';

const V = { gfn: 0, pages: 1, next: 2 } as const;

/** Called by the MMU notifiers, behind that of EPT01. */
export const unmapGfnRange02: ListingProcedure<NestedMmu> = {
  name: 'kvm_unmap_gfn_range',
  purpose: 'The host is about to change what backs frames of L1\'s: no leaf of EPT02 may map them, and no TLB may hold them.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'pages', kind: 'number' }, { name: 'next', kind: 'number' }],
  parameters: 2,
  body: [
    repeat('next = next frame of the range on whose reverse map a leaf of EPT02 stands', (mmu, f) => nextMapped(mmu, f), [
      line('zap the leaves on its reverse map', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap'] }, (mmu, f) => {
        if (mmu.ept02.zapLeavesOf(f.lo(V.next), mmu.cpu) > 0) mmu.mustFlush = 1;
      }),
    ]),
    when('a leaf is gone', (mmu) => mmu.mustFlush === 1, [
      line('kvm_flush_remote_tlbs(), INVEPT on every vCPU: a TLB may still hold it', { writes: ['tlb', 'counters'] }, (mmu) => {
        mmu.flushRemoteTlbs();
        mmu.mustFlush = 0;
      }),
    ]),
    give('done', 0),
  ],
};

function nextMapped(mmu: NestedMmu, f: ListingFrame): boolean {
  for (let gfn = f.lo(V.gfn); gfn < f.lo(V.gfn) + f.lo(V.pages); gfn++) {
    if (mmu.ept02.pages.reverseMap(gfn) === 0) continue;
    f.set(V.next, gfn, 0);
    return true;
  }
  return false;
}
