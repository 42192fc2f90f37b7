import { line, repeat, when, type ListingFrame, type ListingNode, type ListingProcedure } from '../listing';
import type { TdpFormat } from './tdpFormat';
import type { TdpMmu } from './tdpMmu';

const V = { gfn: 0, pages: 1, next: 2 } as const;

/** `logging`: what is done where processors log writes, if they can. */
export const enableLogDirtyOf = <M extends TdpMmu>({ name }: TdpFormat, logging: readonly ListingNode<M>[]): ListingProcedure<M> => ({
  name: 'kvm_arch_mmu_enable_log_dirty_pt_masked',
  purpose: `From now on the first write to each of these guest frames is noticed: ${logging.length === 0 ? 'it faults' : 'the processor logs it, or it faults'}.`,
  values: [{ name: 'gfn', kind: 'number' }, { name: 'pages', kind: 'number' }, { name: 'next', kind: 'number' }],
  parameters: 2,
  body: [
    line('next = gfn', {}, (_, f) => f.set(V.next, f.lo(V.gfn), 0)),
    repeat(`next = next frame of the range whose ${name} entry lets a write pass unnoticed`, (mmu, f) => findNext(mmu, f), [
      when('a large page maps it', (mmu) => mmu.leaves.isLarge, [
        line('zap the entry: what is logged is mapped page by page', { writes: ['memory'] }, (mmu, f) => mmu.leaves.zap(f.lo(V.next), mmu.actor)),
      ]),
      ...logging,
      when('else, writes are to fault', (mmu) => !mmu.leaves.isLarge && mmu.memory.dirty.noticedBy === 'fault', [
        line('clear W, and note in a bit that is the hypervisor\'s that it was given', { writes: ['memory'] }, (mmu) => mmu.leaves.withholdWrite(mmu.actor)),
      ]),
    ]),
  ],
});

function findNext({ leaves, memory }: TdpMmu, f: ListingFrame): boolean {
  const next = leaves.nextUnnoticed(f.lo(V.next), f.lo(V.gfn) + f.lo(V.pages), memory.dirty.noticedBy);
  if (next < 0) return false;
  f.set(V.next, next, 0);
  return true;
}
