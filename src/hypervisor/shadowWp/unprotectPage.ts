import { line, repeat, type ListingFrame, type ListingProcedure } from '../listing';
import { isDirect } from './role';
import type { ShadowMmu } from './shadowMmu';
import { PAGE_STATE } from './zapOrphans';

const V = { gfn: 0, sp: 1 } as const;

/** `state`: what a way of keeping the shadow in step notes of each page besides. */
export const unprotectPageOf = <M extends ShadowMmu>(state: readonly string[]): ListingProcedure<M> => ({
  name: 'kvm_mmu_unprotect_page',
  purpose: 'A write to a shadowed page table that cannot be emulated: its shadow pages go, and nothing need be seen any more.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'sp', kind: 'number' }],
  parameters: 1,
  body: [
    repeat('sp = next shadow page of a guest table in gfn that is no root', (mmu, f) => nextTable(mmu, f), [
      line('zap sp', { writes: [...PAGE_STATE, ...state] }, (mmu, f) => mmu.sptes.zapPage(f.lo(V.sp), mmu.cpu)),
    ]),
    line('kvm_flush_remote_tlbs(), INVVPID on every vCPU: a TLB may still hold what they led to', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushRemoteTlbs()),
  ],
});

export const unprotectPage = unprotectPageOf<ShadowMmu>([]);

/** Each is gone when the next one is asked for. */
function nextTable({ pages }: ShadowMmu, f: ListingFrame): boolean {
  let page = pages.nextOf(f.lo(V.gfn), 0);
  while (page !== 0 && (isDirect(pages.roleOf(page)) || pages.rootCount(page) > 0)) page = pages.nextOf(f.lo(V.gfn), page);
  f.set(V.sp, page, 0);
  return page !== 0;
}
