import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { newShadowPage } from '../shadowWp/getShadowPage';
import { isDirect, levelOf } from '../shadowWp/role';
import { syncPage } from './syncPages';
import type { UnsyncMmu } from './unsyncMmu';

const V = { gfn: 0, role: 1, sp: 2, other: 3 } as const;

/** Gives the number of the shadow page, or 0 when host memory is used up. */
export const getShadowPage: ListingProcedure<UnsyncMmu> = {
  name: 'get_shadow_page',
  purpose: 'The shadow page of a guest frame and a role: from the cache, in step with its table, or a new one.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'role', kind: 'number' }, { name: 'sp', kind: 'number' }, { name: 'other', kind: 'number' }],
  parameters: 2,
  body: [
    when('the page is to be of a table above the last level', (_, f) => levelOf(f.lo(V.role)) > 1 && !isDirect(f.lo(V.role)), [
      repeat('other = next unsync page of gfn', (mmu, f) => nextUnsync(mmu, f), [
        line('zap page other: what is used above the last level must trap, and is not unsync',
          { writes: ['memory', 'shadow.pages', 'shadow.hash', 'shadow.pool', 'shadow.links', 'shadow.links_free', 'shadow.rmap', 'shadow.unsync', 'host.frames', 'host.frame_list'] },
          (mmu, f) => {
            mmu.sptes.zapPage(f.lo(V.other), mmu.cpu);
            mmu.mustFlush = 1;
          }),
      ]),
    ]),
    line('sp = hash table at gfn, with an equal role', {}, (mmu, f) => f.set(V.sp, mmu.pages.find(f.lo(V.gfn), f.lo(V.role)), 0)),
    when('sp is found', (_, f) => f.lo(V.sp) !== 0, [
      when('sp is unsync', (mmu, f) => mmu.unsync.isUnsync(f.lo(V.sp)), [
        line('kvm_sync_page(sp), which stays unsync: its table is not write-protected again', {}, (mmu, f) => void mmu.call(syncPage, f.lo(V.sp), 0)),
      ]),
      give('sp', (_, f) => f.lo(V.sp)),
    ]),
    ...newShadowPage,
  ],
};

function nextUnsync(mmu: UnsyncMmu, f: ListingFrame): boolean {
  f.set(V.other, mmu.nextTable(f.lo(V.gfn), 0, (page) => mmu.unsync.isUnsync(page)), 0);
  return f.lo(V.other) !== 0;
}
