import { line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { enableLogDirtyOf } from '../tdp/enableLogDirty';
import { EPT_TABLES } from './eptFormat';
import type { EptMmu } from './eptMmu';

export const enableLogDirty = enableLogDirtyOf<EptMmu>(EPT_TABLES, [
  when('else, processors log writes', (mmu) => !mmu.leaves.isLarge && mmu.memory.dirty.noticedBy === 'processor', [
    line('clear D: setting it again is logged', { writes: ['memory'] }, (mmu) => mmu.leaves.clearDirty(mmu.actor)),
  ]),
]);

const B = { index: 0, gpa: 1 } as const;
/** Last of the entries of a page-modification log, the first that is filled. SDM Vol. 3, "Page-Modification Logging". */
export const LAST_LOG_ENTRY = 511;

/** Runs before `handle_exit`, and when the VMM process asks for the log. */
export const flushPmlBuffer: ListingProcedure<EptMmu> = {
  name: 'vmx_flush_pml_buffer',
  purpose: 'The processor has logged pages that it wrote: they are marked, and its log is empty.',
  values: [{ name: 'index', kind: 'number' }, { name: 'gpa', kind: 'gpa' }],
  parameters: 0,
  body: [
    line('index = VMREAD of the PML index: below the entries that are filled', {}, (mmu, f) => f.set(B.index, mmu.pml.index, 0)),
    repeat('index, gpa = next entry that is filled', (mmu, f) => nextEntry(mmu, f), [
      line('mark_page_dirty(gpa >> 12)', { writes: ['vm.dirty_bitmap'] }, (mmu, f) => mmu.memory.dirty.mark(f.frame(B.gpa), mmu.actor)),
    ]),
    line('PML index = 511', { writes: ['vmcs'] }, (mmu) => mmu.pml.empty()),
  ],
};

function nextEntry({ pml }: EptMmu, f: ListingFrame): boolean {
  // An index that has run out of the log is that of the first entry minus 1, in 16 bits.
  const index = f.lo(B.index) > LAST_LOG_ENTRY ? 0 : f.lo(B.index) + 1;
  if (index > LAST_LOG_ENTRY) return false;
  f.set(B.index, index, 0);
  f.set(B.gpa, pml.entryLo(index), pml.entryHi(index));
  return true;
}
