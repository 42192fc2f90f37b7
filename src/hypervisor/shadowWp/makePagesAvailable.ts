import { line, repeat, type ListingNode, type ListingProcedure } from '../listing';
import type { ShadowMmu } from './shadowMmu';
import { PAGE_STATE } from './zapOrphans';

/** Shadow pages one fault or one load of CR3 can need at most: KVM's KVM_MIN_FREE_MMU_PAGES. */
export const MIN_FREE_MMU_PAGES = 5;

/** `state`: what is noted of each shadow page besides; `afterZap`: what follows one that gave way. */
export const makePagesAvailableOf = <M extends ShadowMmu>(state: readonly string[], afterZap: readonly ListingNode<M>[]): ListingProcedure<M> => ({
  name: 'make_mmu_pages_available',
  purpose: 'Shadow pages are limited (shadow_pages): the oldest give way, first in, first out.',
  values: [],
  parameters: 0,
  body: [
    repeat('fewer than 5 shadow pages are free', (mmu) => mmu.pages.limit - mmu.pages.used < MIN_FREE_MMU_PAGES, [
      line('zap the oldest shadow page that is no root', { writes: [...PAGE_STATE, ...state] }, (mmu) => {
        mmu.sptes.zapPage(mmu.pages.oldest(), mmu.cpu);
        mmu.mustFlush = 1;
      }),
      ...afterZap,
    ]),
  ],
});

export const makePagesAvailable = makePagesAvailableOf<ShadowMmu>([], []);
