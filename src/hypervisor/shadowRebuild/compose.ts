import { give, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { MIN_FREE_MMU_PAGES } from '../shadowWp/makePagesAvailable';
import type { RebuildMmu } from './rebuildMmu';

const V = { gva: 0, last: 1, gfn: 2, hpa: 3 } as const;
/** Error code of a supervisor's read, which asks for no right that the guest's entries do not give. */
const READ = 0;

/** Gives 1, or 0 when host memory is used up. */
export const compose: ListingProcedure<RebuildMmu> = {
  name: 'compose',
  purpose: 'Makes the SPTEs of all pages from gva to last that need neither the guest nor the host: A is set in every entry, and there is memory behind.',
  values: [{ name: 'gva', kind: 'gva' }, { name: 'last', kind: 'gva' }, { name: 'gfn', kind: 'number' }, { name: 'hpa', kind: 'hpa' }],
  parameters: 2,
  body: [
    repeat('five shadow pages are free, and gva = next page that the guest maps so, and no SPTE does yet', (mmu, f) => hasRoom(mmu) && findNext(mmu, f), [
      when('fetch(gva, a read, gfn, hpa), which withholds W while D is not set, finds no host memory', (mmu, f) => (
        mmu.call(mmu.procedures.fetch, f.lo(V.gva), f.hi(V.gva), READ, 0, f.lo(V.gfn), 0, f.lo(V.hpa), f.hi(V.hpa)) === 0
      ), [
        give('the rest is left to faults', 0),
      ]),
    ]),
    give('done', 1),
  ],
};

function hasRoom({ pages }: RebuildMmu): boolean {
  return pages.limit - pages.used >= MIN_FREE_MMU_PAGES;
}

function findNext(mmu: RebuildMmu, f: ListingFrame): boolean {
  const page = mmu.nextMapped(mmu.pageOf(f.lo(V.gva), f.hi(V.gva)), mmu.pageOf(f.lo(V.last), f.hi(V.last)));
  if (page < 0) return false;
  f.set(V.gva, mmu.gvaLo(page), mmu.gvaHi(page));
  f.set(V.gfn, mmu.foundGfn, 0);
  f.setFrame(V.hpa, mmu.foundFrame);
  return true;
}
