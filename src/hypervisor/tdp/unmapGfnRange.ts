import { give, line, repeat, when, type ListingNode, type ListingProcedure } from '../listing';
import type { TdpFormat } from './tdpFormat';
import type { TdpMmu } from './tdpMmu';

const V = { gfn: 0, pages: 1, level: 2, table: 3, index: 4 } as const;

/** Called by the MMU notifiers. Gives how many entries are gone. `first`: what comes before; values 0 and 1 are the range. */
export const unmapGfnRangeOf = <M extends TdpMmu>({ name, words }: TdpFormat, first: readonly ListingNode<M>[] = []): ListingProcedure<M> => ({
  name: 'kvm_unmap_gfn_range',
  purpose: `The host is about to change what backs guest frames: no ${name} entry may map them, and no TLB may hold them.`,
  values: [
    { name: 'gfn', kind: 'number' }, { name: 'pages', kind: 'number' }, { name: 'level', kind: 'number' },
    { name: 'table', kind: 'hpa' }, { name: 'index', kind: 'number' },
  ],
  parameters: 2,
  body: [
    ...first,
    line('nothing is gone yet', {}, (mmu) => { mmu.zapped = 0; }),
    repeat(`table, index, level = next ${name} entry that maps a frame of the range`, (mmu, f) => {
      if (!mmu.findLeaf(f.lo(V.gfn), f.lo(V.gfn) + f.lo(V.pages))) return false;
      f.set(V.level, mmu.leafLevel, 0);
      f.setFrame(V.table, mmu.leafTable);
      f.set(V.index, mmu.leafIndex, 0);
      return true;
    }, [
      line('zap it: the entry is not present', { writes: ['memory'] }, (mmu, f) => mmu.zap(f.frame(V.table), f.lo(V.index), f.lo(V.level))),
    ]),
    when('an entry is gone', (mmu) => mmu.zapped > 0, [
      line(`kvm_flush_remote_tlbs(), ${words.flush}: a TLB may still hold it`, { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushRemoteTlbs()),
    ]),
    give('how many are gone', (mmu) => mmu.zapped),
  ],
});
