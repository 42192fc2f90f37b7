import { line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { isDirect02 } from './ept02Role';
import { SHADOW_PAGE } from './loadRoot02';
import type { NestedMmu } from './nestedMmu';

const V = { gfn: 0, pages: 1, sp: 2 } as const;

/** Runs behind that of EPT01, and after `kvm_unmap_gfn_range`. */
export const flushShadowMemslot02: ListingProcedure<NestedMmu> = {
  name: 'kvm_arch_flush_shadow_memslot',
  purpose: 'A memory slot of L1\'s is about to go: no shadow page may stand for tables of EPT12 in it.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'pages', kind: 'number' }, { name: 'sp', kind: 'number' }],
  parameters: 2,
  body: [
    repeat('sp = next shadow page of a table of EPT12 in the range', nextPage, [
      line('zap sp; of one that is a root in use, its entries', { writes: SHADOW_PAGE }, (mmu, f) => {
        if (mmu.ept02.pages.rootCount(f.lo(V.sp)) > 0) mmu.ept02.zapEntries(f.lo(V.sp), mmu.cpu);
        else mmu.ept02.zapPage(f.lo(V.sp), mmu.cpu);
        mmu.mustFlush = 1;
      }),
    ]),
    when('a shadow page is gone', (mmu) => mmu.mustFlush === 1, [
      line('kvm_flush_remote_tlbs(), INVEPT on every vCPU: a TLB may still hold what it led to', { writes: ['tlb', 'counters'] }, (mmu) => {
        mmu.flushRemoteTlbs();
        mmu.mustFlush = 0;
      }),
    ]),
  ],
};

function nextPage({ ept02: { pages } }: NestedMmu, f: ListingFrame): boolean {
  for (let page = f.lo(V.sp) + 1; page < pages.end; page++) {
    if (!pages.isInUse(page) || isDirect02(pages.roleOf(page))) continue;
    if (pages.gfnOf(page) < f.lo(V.gfn) || pages.gfnOf(page) >= f.lo(V.gfn) + f.lo(V.pages)) continue;
    f.set(V.sp, page, 0);
    return true;
  }
  return false;
}
