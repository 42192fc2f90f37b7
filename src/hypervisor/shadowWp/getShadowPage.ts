import { give, line, when, type ListingNode, type ListingProcedure } from '../listing';
import { isDirect } from './role';
import type { ShadowMmu } from './shadowMmu';

const V = { gfn: 0, role: 1, sp: 2 } as const;

/** What `get_shadow_page`, whose first values are gfn, role and sp, ends with where the hash has no such page. */
export const newShadowPage: readonly ListingNode<ShadowMmu>[] = [
  line('sp = new shadow page with an empty table, entered into the hash',
    { writes: ['shadow.pages', 'shadow.hash', 'shadow.pool', 'host.frames', 'host.frame_list', 'memory'] },
    (mmu, f) => f.set(V.sp, mmu.sptes.create(f.lo(V.gfn), f.lo(V.role), mmu.cpu), 0)),
  when('host memory is used up', (_, f) => f.lo(V.sp) === 0, [give('nothing', 0)]),
  when('a guest table lies behind it (not direct)', (_, f) => !isDirect(f.lo(V.role)), [
    line('write-protect gfn: clear W in every SPTE on its reverse map; one that maps a large page goes', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap'] }, (mmu, f) => {
      if (mmu.sptes.writeProtect(f.lo(V.gfn), mmu.cpu)) mmu.mustFlush = 1;
    }),
  ]),
  give('sp', (_, f) => f.lo(V.sp)),
];

/** Gives the number of the shadow page, or 0 when host memory is used up. */
export const getShadowPage: ListingProcedure<ShadowMmu> = {
  name: 'get_shadow_page',
  purpose: 'The shadow page of a guest frame and a role: from the cache, or a new one.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'role', kind: 'number' }, { name: 'sp', kind: 'number' }],
  parameters: 2,
  body: [
    line('sp = hash table at gfn, with an equal role', {}, (mmu, f) => {
      f.set(V.sp, mmu.pages.find(f.lo(V.gfn), f.lo(V.role)), 0);
    }),
    when('sp is found', (_, f) => f.lo(V.sp) !== 0, [give('sp', (_, f) => f.lo(V.sp))]),
    ...newShadowPage,
  ],
};
