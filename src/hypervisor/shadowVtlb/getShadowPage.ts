import { give, line, type ListingProcedure } from '../listing';
import type { VtlbMmu } from './vtlbMmu';

const V = { gva: 0, role: 1, sp: 2 } as const;

/** Gives the number of the table, or 0 when host memory is used up. */
export const getShadowPage: ListingProcedure<VtlbMmu> = {
  name: 'get_shadow_page',
  purpose: 'A table of the virtual TLB, for the linear addresses from gva on. It stands for no guest table, so there is none to find or to protect.',
  values: [{ name: 'gva', kind: 'gva' }, { name: 'role', kind: 'number' }, { name: 'sp', kind: 'number' }],
  parameters: 2,
  body: [
    line('sp = new shadow page with an empty table',
      { writes: ['shadow.pages', 'shadow.hash', 'shadow.pool', 'shadow.vtlb', 'host.frames', 'host.frame_list', 'memory'] },
      (mmu, f) => f.set(V.sp, mmu.vtlb.createAt(f.lo(V.gva), f.hi(V.gva), f.lo(V.role), mmu.cpu), 0)),
    give('sp, or nothing when host memory is used up', (_, f) => f.lo(V.sp)),
  ],
};
