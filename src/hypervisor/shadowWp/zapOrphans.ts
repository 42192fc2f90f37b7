import { line, repeat, type ListingFrame, type ListingProcedure } from '../listing';
import type { ShadowMmu } from './shadowMmu';

const V = { sp: 0 } as const;

/** State that goes or changes with a whole shadow page. */
export const PAGE_STATE = [
  'memory', 'shadow.pages', 'shadow.hash', 'shadow.pool', 'shadow.links', 'shadow.links_free', 'shadow.rmap', 'host.frames', 'host.frame_list',
] as const;

/** `state`: what a way of keeping the shadow in step notes of each page besides. */
export const zapOrphansOf = <M extends ShadowMmu>(state: readonly string[]): ListingProcedure<M> => ({
  name: 'zap_orphans',
  purpose: 'Shadow pages that no entry leads to any more, and that are no roots, go: those below them are the next.',
  values: [{ name: 'sp', kind: 'number' }],
  parameters: 0,
  body: [
    repeat('sp = next shadow page that is no root and has no parents', (mmu, f) => nextOrphan(mmu, f), [
      line('zap sp', { writes: [...PAGE_STATE, ...state] }, (mmu, f) => {
        mmu.sptes.zapPage(f.lo(V.sp), mmu.actor);
        mmu.mustFlush = 1;
      }),
    ]),
  ],
});

export const zapOrphans = zapOrphansOf<ShadowMmu>([]);

function nextOrphan({ pages }: ShadowMmu, f: ListingFrame): boolean {
  for (let page = 1; page < pages.end; page++) {
    if (!pages.isInUse(page) || pages.rootCount(page) > 0 || pages.parents(page) !== 0) continue;
    f.set(V.sp, page, 0);
    return true;
  }
  return false;
}
