import { line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { isDirect02 } from './ept02Role';
import { SHADOW_PAGE } from './loadRoot02';
import type { NestedMmu } from './nestedMmu';

const V = { gpa: 0, bytes: 1, sp: 2, index: 3 } as const;
const ENTRY_BYTES = 8;

/** Gives 0; `mustFlush` says whether an entry is gone. */
export const trackWrite02: ListingProcedure<NestedMmu> = {
  name: 'kvm_mmu_track_write',
  purpose: 'L1\'s memory at gpa, where tables of EPT12 are shadowed, has been written: what EPT02 made of the old entries goes.',
  values: [
    { name: 'gpa', kind: 'gpa' }, { name: 'bytes', kind: 'number' }, { name: 'sp', kind: 'number' }, { name: 'index', kind: 'number' },
  ],
  parameters: 2,
  body: [
    repeat('sp = next shadow page of this frame', (mmu, f) => nextPage(mmu, f), [
      repeat('index = next entry of sp whose entry of EPT12 the store has changed', (_, f) => nextIndex(f), [
        when('the entry is present', (mmu, f) => mmu.ept02.isPresent(f.lo(V.sp), f.lo(V.index)), [
          line('zap the entry', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.pages', 'shadow.rmap'] }, (mmu, f) => {
            mmu.ept02.zap(f.lo(V.sp), f.lo(V.index), mmu.cpu);
            mmu.mustFlush = 1;
          }),
        ]),
      ]),
    ]),
    when('an entry is gone', (mmu) => mmu.mustFlush === 1, [
      line('kvm_flush_remote_tlbs(), INVEPT on every vCPU: a TLB may still hold it', { writes: ['tlb', 'counters'] }, (mmu) => {
        mmu.flushRemoteTlbs();
        mmu.mustFlush = 0;
      }),
    ]),
  ],
};

function nextPage(mmu: NestedMmu, f: ListingFrame): boolean {
  const { pages } = mmu.ept02;
  let page = f.lo(V.sp);
  do page = pages.nextOf(f.frame(V.gpa), page);
  while (page !== 0 && isDirect02(pages.roleOf(page)));
  f.set(V.sp, page, 0);
  f.set(V.index, -1, -1);
  return page !== 0;
}

/** The entries that the written bytes belong to, one after the other; `index` is -1 before the first. */
function nextIndex(f: ListingFrame): boolean {
  const offset = f.lo(V.gpa) & 0xfff;
  const first = Math.floor(offset / ENTRY_BYTES);
  const last = Math.floor((offset + f.lo(V.bytes) - 1) / ENTRY_BYTES);
  const index = f.lo(V.index) < 0 ? first : f.lo(V.index) + 1;
  if (index > last) return false;
  f.set(V.index, index, 0);
  return true;
}

const U = { gfn: 0, sp: 1 } as const;

export const unprotectPage: ListingProcedure<NestedMmu> = {
  name: 'kvm_mmu_unprotect_page',
  purpose: 'A write to a shadowed table of EPT12 that cannot be emulated: its shadow pages go, and nothing need be seen any more.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'sp', kind: 'number' }],
  parameters: 1,
  body: [
    repeat('sp = next shadow page of gfn', (mmu, f) => {
      f.set(U.sp, mmu.ept02.pages.nextOf(f.lo(U.gfn), 0), 0);
      return f.lo(U.sp) !== 0;
    }, [
      when('sp is the root of vCPUs that run L1', (mmu, f) => isRoot(mmu, f), [
        line('they load another at their next VM entry', { writes: ['nested', 'shadow.pages'] }, (mmu, f) => forgetRoot(mmu, f.lo(U.sp))),
      ]),
      when('sp is the root of a vCPU that runs L2', (mmu, f) => isRoot(mmu, f), [
        line('zap its entries, and it is obsolete: that vCPU\'s next access exits, and loads another root; then sp goes', { writes: SHADOW_PAGE }, (mmu, f) => {
          mmu.ept02.zapEntries(f.lo(U.sp), mmu.cpu);
          mmu.ept02.pages.makeObsolete(f.lo(U.sp));
        }),
      ]),
      when('else', (mmu, f) => !isRoot(mmu, f), [
        line('zap sp', { writes: SHADOW_PAGE }, (mmu, f) => mmu.ept02.zapPage(f.lo(U.sp), mmu.cpu)),
      ]),
    ]),
    line('kvm_flush_remote_tlbs(), INVEPT on every vCPU: a TLB may still hold its entries', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushRemoteTlbs()),
  ],
};

function isRoot(mmu: NestedMmu, f: ListingFrame): boolean {
  return mmu.ept02.pages.rootCount(f.lo(U.sp)) > 0;
}

function forgetRoot(mmu: NestedMmu, page: number): void {
  for (const state of mmu.parts.states) {
    if (state.rootPage !== page || state.guestMode === 1) continue;
    mmu.ept02.pages.addRoot(page, -1);
    state.rootPage = 0;
  }
}
