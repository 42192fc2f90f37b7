import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import type { ShadowMmu } from './shadowMmu';

const V = { gfn: 0, pages: 1, next: 2, zapped: 3 } as const;

/** Called by the MMU notifiers. Gives how many SPTEs are gone. */
export const unmapGfnRange: ListingProcedure<ShadowMmu> = {
  name: 'kvm_unmap_gfn_range',
  purpose: 'The host is about to change what backs guest frames: no SPTE may map them, and no TLB may hold them.',
  values: [
    { name: 'gfn', kind: 'number' }, { name: 'pages', kind: 'number' }, { name: 'next', kind: 'number' }, { name: 'zapped', kind: 'number' },
  ],
  parameters: 2,
  body: [
    line('next = gfn, zapped = 0', {}, (_, f) => {
      f.set(V.next, f.lo(V.gfn), 0);
      f.set(V.zapped, 0, 0);
    }),
    repeat('next = next frame of the range that an SPTE maps, as its reverse map tells', (mmu, f) => findMapped(mmu, f), [
      line('zap that SPTE', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap'] }, (mmu, f) => {
        mmu.sptes.zapLeafOf(f.lo(V.next), mmu.actor);
        f.set(V.zapped, f.lo(V.zapped) + 1, 0);
      }),
    ]),
    when('an SPTE is gone', (_, f) => f.lo(V.zapped) > 0, [
      line('kvm_flush_remote_tlbs(), INVVPID on every vCPU: a TLB may still hold it', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushRemoteTlbs()),
    ]),
    give('zapped', (_, f) => f.lo(V.zapped)),
  ],
};

function findMapped(mmu: ShadowMmu, f: ListingFrame): boolean {
  for (let gfn = f.lo(V.next); gfn < f.lo(V.gfn) + f.lo(V.pages); gfn++) {
    if (!mmu.sptes.isMapped(gfn)) continue;
    f.set(V.next, gfn, 0);
    return true;
  }
  return false;
}
