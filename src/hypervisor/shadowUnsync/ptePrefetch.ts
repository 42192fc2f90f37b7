import { line, repeat, type ListingFrame, type ListingProcedure } from '../listing';
import type { UnsyncMmu } from './unsyncMmu';

const V = { sp: 0, index: 1, next: 2, end: 3 } as const;

export const ptePrefetch: ListingProcedure<UnsyncMmu> = {
  name: 'pte_prefetch',
  purpose: 'Neighbours of an SPTE that has been filled are filled along, where that needs neither the guest nor the host: prefetch of them, aligned.',
  values: [{ name: 'sp', kind: 'number' }, { name: 'index', kind: 'number' }, { name: 'next', kind: 'number' }, { name: 'end', kind: 'number' }],
  parameters: 2,
  body: [
    line('next, end = the aligned group around index', {}, ({ policy: { prefetch } }, f) => {
      const start = f.lo(V.index) - (f.lo(V.index) % prefetch);
      f.set(V.next, start - 1, 0);
      f.set(V.end, Math.min(start + prefetch, ENTRIES), 0);
    }),
    repeat('next = next absent SPTE of it whose guest entry maps a backed page that was accessed', (mmu, f) => nextFillable(mmu, f), [
      line('SPTE next = that page, with the rights of role and entry; no W for a page table that is in sync',
        { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap', 'shadow.translation'] }, ({ sptes, leaf, cpu }, f) => {
          sptes.setLeaf(f.lo(V.sp), f.lo(V.next), leaf.frame, leaf.gfn, leaf.rights, leaf.key, cpu);
        }),
    ]),
  ],
};

const ENTRIES = 512;

function nextFillable(mmu: UnsyncMmu, f: ListingFrame): boolean {
  for (let next = f.lo(V.next) + 1; next < f.lo(V.end); next++) {
    if (mmu.sptes.isPresent(f.lo(V.sp), next) || !mmu.leaf.read(mmu, f.lo(V.sp), next)) continue;
    f.set(V.next, next, 0);
    return true;
  }
  return false;
}
