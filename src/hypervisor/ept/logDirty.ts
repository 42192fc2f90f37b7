import { line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import type { EptMmu } from './eptMmu';

const V = { gfn: 0, pages: 1, next: 2 } as const;

export const enableLogDirty: ListingProcedure<EptMmu> = {
  name: 'kvm_arch_mmu_enable_log_dirty_pt_masked',
  purpose: 'From now on the first write to each of these guest frames is noticed: the processor logs it, or it faults.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'pages', kind: 'number' }, { name: 'next', kind: 'number' }],
  parameters: 2,
  body: [
    line('next = gfn', {}, (_, f) => f.set(V.next, f.lo(V.gfn), 0)),
    repeat('next = next frame of the range whose EPT entry lets a write pass unnoticed', (mmu, f) => findNext(mmu, f), [
      when('a large page maps it', (mmu) => mmu.leaves.isLarge, [
        line('zap the entry: what is logged is mapped page by page', { writes: ['memory'] }, (mmu, f) => mmu.leaves.zap(f.lo(V.next), mmu.actor)),
      ]),
      when('else, processors log writes', (mmu) => !mmu.leaves.isLarge && mmu.memory.dirty.noticedBy === 'processor', [
        line('clear D: setting it again is logged', { writes: ['memory'] }, (mmu) => mmu.leaves.clearDirty(mmu.actor)),
      ]),
      when('else, writes are to fault', (mmu) => !mmu.leaves.isLarge && mmu.memory.dirty.noticedBy === 'fault', [
        line('clear W, and note in a bit that is the hypervisor\'s that it was given', { writes: ['memory'] }, (mmu) => mmu.leaves.withholdWrite(mmu.actor)),
      ]),
    ]),
  ],
};

function findNext({ leaves, memory }: EptMmu, f: ListingFrame): boolean {
  const next = leaves.nextUnnoticed(f.lo(V.next), f.lo(V.gfn) + f.lo(V.pages), memory.dirty.noticedBy);
  if (next < 0) return false;
  f.set(V.next, next, 0);
  return true;
}

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
