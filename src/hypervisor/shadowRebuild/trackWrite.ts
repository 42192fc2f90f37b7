import { line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { nextIndex, nextTable, zapPresentSpte } from '../shadowWp/trackWrite';
import { zapOrphans } from '../shadowWp/zapOrphans';
import { compose } from './compose';
import type { RebuildMmu } from './rebuildMmu';

const V = { gpa: 0, bytes: 1, sp: 2, index: 3, entry: 4, gva: 5 } as const;

export const trackWrite: ListingProcedure<RebuildMmu> = {
  name: 'track_write',
  purpose: 'Guest memory that holds shadowed page tables has been written: the shadow becomes what it would be if it were composed anew.',
  values: [
    { name: 'gpa', kind: 'gpa' }, { name: 'bytes', kind: 'number' }, { name: 'sp', kind: 'number' },
    { name: 'index', kind: 'number' }, { name: 'entry', kind: 'number' }, { name: 'gva', kind: 'gva' },
  ],
  parameters: 2,
  body: [
    repeat('sp = next shadow page of this frame', (mmu, f) => nextTable(mmu, f), [
      repeat('index = next SPTE of sp whose guest entry the store has changed', (mmu, f) => nextIndex(mmu, f), [
        zapPresentSpte(),
      ]),
    ]),
    line('zap_orphans(): tables that the old entries led to', {}, (mmu) => void mmu.call(zapOrphans)),
    line('sp = none', {}, (_, f) => f.set(V.sp, 0, 0)),
    repeat('sp = next shadow page of this frame', (mmu, f) => nextTable(mmu, f), [
      repeat('index = next SPTE of sp whose guest entry the store has changed', (mmu, f) => nextIndex(mmu, f), [
        when('gva = first address that the SPTE stands for, and a root of this vCPU leads there: what only other vCPUs\' roots lead to is left to their faults', (mmu, f) => findAddress(mmu, f), [
          line('compose(gva, the last page that it spans)', {}, (mmu, f) => {
            const last = mmu.pageOf(f.lo(V.gva), f.hi(V.gva)) + mmu.spanAt(f.lo(V.sp)) - 1;
            mmu.call(compose, f.lo(V.gva), f.hi(V.gva), mmu.gvaLo(last), mmu.gvaHi(last));
          }),
        ]),
      ]),
    ]),
  ],
};

function findAddress(mmu: RebuildMmu, f: ListingFrame): boolean {
  const page = mmu.firstPageOf(f.lo(V.sp), f.lo(V.index));
  if (page < 0) return false;
  f.set(V.gva, mmu.gvaLo(page), mmu.gvaHi(page));
  return true;
}
