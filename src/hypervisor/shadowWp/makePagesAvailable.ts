import { line, repeat, type ListingProcedure } from '../listing';
import type { ShadowMmu } from './shadowMmu';

/** Shadow pages one fault or one load of CR3 can need at most: KVM's KVM_MIN_FREE_MMU_PAGES. */
export const MIN_FREE_MMU_PAGES = 5;

export const makePagesAvailable: ListingProcedure<ShadowMmu> = {
  name: 'make_mmu_pages_available',
  purpose: 'Shadow pages are limited (shadow_pages): the oldest give way, first in, first out.',
  values: [],
  parameters: 0,
  body: [
    repeat('fewer than 5 shadow pages are free', (mmu) => mmu.pages.limit - mmu.pages.used < MIN_FREE_MMU_PAGES, [
      line('zap the oldest shadow page that is no root',
        { writes: ['memory', 'shadow.pages', 'shadow.hash', 'shadow.pool', 'shadow.links', 'shadow.links_free', 'shadow.rmap', 'host.frames', 'host.frame_list'] },
        (mmu) => {
          mmu.sptes.zapPage(mmu.pages.oldest(), mmu.cpu);
          mmu.mustFlush = 1;
        }),
    ]),
  ],
};
