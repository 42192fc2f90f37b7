import { KIND } from '../../hardware/events/eventTable';
import { line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import type { UnsyncMmu } from './unsyncMmu';

const ENTRIES = 512;
const S = { sp: 0, index: 1, entry: 2 } as const;

/** Of an SPTE that is present. */
export const syncSpte: ListingProcedure<UnsyncMmu> = {
  name: 'sync_spte',
  purpose: 'One SPTE of a page that is out of step, held against the guest entry of now.',
  values: [{ name: 'sp', kind: 'number' }, { name: 'index', kind: 'number' }, { name: 'entry', kind: 'number' }],
  parameters: 2,
  body: [
    line('entry = the guest entry that it stands for', {}, (mmu, f) => {
      mmu.leaf.readEntry(mmu, f.lo(S.sp), f.lo(S.index));
      f.set(S.entry, mmu.leaf.lo, mmu.leaf.hi);
    }),
    when('entry maps no page, or one that was not accessed, or another one than the SPTE', (mmu, f) => !mapsSame(mmu, f), [
      line('zap the SPTE', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap'] }, (mmu, f) => {
        mmu.sptes.zap(f.lo(S.sp), f.lo(S.index), mmu.cpu);
        mmu.mustFlush = 1;
      }),
    ]),
    when('it is still there, with other rights or another key than entry gives', (mmu, f) => hasOtherRights(mmu, f), [
      line('SPTE = the same page, with the rights of role and entry',
        { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap', 'shadow.translation'] }, ({ leaf, sptes, cpu }, f) => {
          sptes.setLeaf(f.lo(S.sp), f.lo(S.index), leaf.frame, leaf.gfn, leaf.rights, leaf.key, cpu);
        }),
      line('a TLB may hold the old rights', {}, (mmu) => { mmu.mustFlush = 1; }),
    ]),
  ],
};

const P = { sp: 0, index: 1 } as const;

export const syncPage: ListingProcedure<UnsyncMmu> = {
  name: 'kvm_sync_page',
  purpose: 'Every SPTE of a page that is out of step; what is absent stays so, and is filled when it is wanted.',
  values: [{ name: 'sp', kind: 'number' }, { name: 'index', kind: 'number' }],
  parameters: 1,
  body: [
    line('index = -1', {}, (_, f) => f.set(P.index, -1, -1)),
    repeat('index = next SPTE of sp that is present', (mmu, f) => nextPresent(mmu, f), [
      line('sync_spte(sp, index)', {}, (mmu, f) => void mmu.call(syncSpte, f.lo(P.sp), 0, f.lo(P.index), 0)),
    ]),
  ],
};

const C = { parent: 0, sp: 1 } as const;

export const syncChildren: ListingProcedure<UnsyncMmu> = {
  name: 'mmu_sync_children',
  purpose: 'Brings every page below parent back into step with its table, which is write-protected again.',
  values: [{ name: 'parent', kind: 'number' }, { name: 'sp', kind: 'number' }],
  parameters: 1,
  body: [
    repeat('sp = next unsync page below parent', (mmu, f) => nextBelow(mmu, f), [
      line('write-protect its gfn: clear W in every SPTE on the reverse map', { writes: ['memory'] }, (mmu, f) => {
        if (mmu.sptes.writeProtect(mmu.pages.gfnOf(f.lo(C.sp)), mmu.cpu)) mmu.mustFlush = 1;
      }),
      line('sp is in sync from now on', { writes: ['shadow.unsync'] }, (mmu, f) => {
        mmu.unsync.clear(f.lo(C.sp));
        mmu.sptes.report(KIND.shadow_page_synced, f.lo(C.sp), mmu.cpu);
      }),
      line('kvm_sync_page(sp)', {}, (mmu, f) => void mmu.call(syncPage, f.lo(C.sp), 0)),
    ]),
    line('clear the marks that led there', { writes: ['shadow.unsync'] }, (mmu, f) => mmu.unsync.tidy(f.lo(C.parent))),
  ],
};

function mapsSame(mmu: UnsyncMmu, f: ListingFrame): boolean {
  return mmu.leaf.read(mmu, f.lo(S.sp), f.lo(S.index)) && mmu.leaf.gfn === mmu.pages.leafGfn(f.lo(S.sp), f.lo(S.index));
}

function hasOtherRights({ leaf, sptes }: UnsyncMmu, f: ListingFrame): boolean {
  return sptes.isPresent(f.lo(S.sp), f.lo(S.index)) && !sptes.isLeafOf(f.lo(S.sp), f.lo(S.index), leaf.frame, leaf.rights, leaf.key);
}

function nextPresent({ sptes }: UnsyncMmu, f: ListingFrame): boolean {
  let index = f.lo(P.index) + 1;
  while (index < ENTRIES && !sptes.isPresent(f.lo(P.sp), index)) index++;
  f.set(P.index, index, 0);
  return index < ENTRIES;
}

function nextBelow(mmu: UnsyncMmu, f: ListingFrame): boolean {
  f.set(C.sp, mmu.unsync.below(f.lo(C.parent)), 0);
  return f.lo(C.sp) !== 0;
}
