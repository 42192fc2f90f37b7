import { give, line, when, type ListingProcedure } from '../listing';
import { isDirect02 } from './ept02Role';
import type { NestedMmu } from './nestedMmu';

const V = { gfn: 0, role: 1, sp: 2 } as const;

/** Gives the number of the shadow page, or 0 when host memory is used up. */
export const getShadowPage02: ListingProcedure<NestedMmu> = {
  name: 'get_shadow_page',
  purpose: 'The shadow page of a frame of L1\'s and a role: from the cache, or a new one.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'role', kind: 'number' }, { name: 'sp', kind: 'number' }],
  parameters: 2,
  body: [
    line('sp = hash table at gfn, with an equal role', {}, (mmu, f) => f.set(V.sp, mmu.ept02.pages.find(f.lo(V.gfn), f.lo(V.role)), 0)),
    when('sp is found', (_, f) => f.lo(V.sp) !== 0, [give('sp', (_, f) => f.lo(V.sp))]),
    line('sp = new shadow page with an empty table, entered into the hash',
      { writes: ['shadow.pages', 'shadow.hash', 'shadow.pool', 'host.frames', 'host.frame_list', 'memory'] },
      (mmu, f) => f.set(V.sp, mmu.ept02.create(f.lo(V.gfn), f.lo(V.role), mmu.cpu), 0)),
    when('host memory is used up', (_, f) => f.lo(V.sp) === 0, [give('nothing', 0)]),
    when('a table of EPT12 lies behind it (not direct)', (_, f) => !isDirect02(f.lo(V.role)), [
      line('write-protect gfn: clear W in the entry of EPT01 that maps it, and in every leaf of EPT02 on its reverse map', { writes: ['memory'] }, (mmu, f) => {
        const in01 = mmu.parts.outer.writeProtect(f.lo(V.gfn), mmu.cpu);
        const in02 = mmu.ept02.writeProtect(f.lo(V.gfn), mmu.cpu);
        if (in01 || in02) mmu.mustFlush = 1;
      }),
    ]),
    give('sp', (_, f) => f.lo(V.sp)),
  ],
};
