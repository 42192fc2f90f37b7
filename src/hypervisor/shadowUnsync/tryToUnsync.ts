import { KIND } from '../../hardware/events/eventTable';
import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import type { UnsyncMmu } from './unsyncMmu';

const V = { gfn: 0, sp: 1 } as const;

/** Gives 1 when SPTEs that map gfn may have W, else 0. */
export const tryToUnsync: ListingProcedure<UnsyncMmu> = {
  name: 'mmu_try_to_unsync_pages',
  purpose: 'A frame with shadowed page tables is to be mapped writable: its tables of the last level may leave step with their shadow.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'sp', kind: 'number' }],
  parameters: 1,
  body: [
    when('one of them stands above the last level', (mmu, f) => mmu.isTracked(f.lo(V.gfn)), [give('no: writes to it must trap', 0)]),
    repeat('sp = next shadow page of gfn that is in sync', (mmu, f) => nextInSync(mmu, f), [
      line('mark sp unsync, and the entries that lead to it in every page above: before W is granted', { writes: ['shadow.unsync'] }, (mmu, f) => {
        mmu.unsync.mark(f.lo(V.sp));
        mmu.sptes.report(KIND.shadow_page_unsynced, f.lo(V.sp), mmu.cpu);
      }),
    ]),
    give('yes: INVLPG or a load of CR3 will tell when to look again', 1),
  ],
};

function nextInSync(mmu: UnsyncMmu, f: ListingFrame): boolean {
  f.set(V.sp, mmu.nextTable(f.lo(V.gfn), f.lo(V.sp), (page) => !mmu.unsync.isUnsync(page)), 0);
  return f.lo(V.sp) !== 0;
}
