import { COUNTER } from '../../hardware/counters';
import { setPair } from '../../hardware/eventBus';
import { ACTOR, KIND, SPACE, field } from '../../hardware/eventTable';
import { rightsOfEntry } from '../../hardware/entryRights';
import { PAGE_RIGHTS } from '../../hardware/accessRights';
import { RESUME } from '../../hardware/rootMode';
import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { accessOf as accessOfRole, isDirect, levelOf } from './role';
import type { ShadowMmu } from './shadowMmu';

const V = { gva: 0, gpa: 1, hpa: 2, sp: 3, index: 4, entry: 5 } as const;
const ENTRY_BYTES = 8;

/** Gives a `RESUME`. */
export const emulatePageTableWrite: ListingProcedure<ShadowMmu> = {
  name: 'emulate_page_table_write',
  purpose: 'A guest store to a frame that holds shadowed page tables: done for the guest, and carried into the shadow.',
  values: [
    { name: 'gva', kind: 'gva' }, { name: 'gpa', kind: 'gpa' }, { name: 'hpa', kind: 'hpa' },
    { name: 'sp', kind: 'number' }, { name: 'index', kind: 'number' }, { name: 'entry', kind: 'number' },
  ],
  parameters: 2,
  body: [
    line('trapped write to the page table at gpa', { writes: ['counters'] }, (mmu, f) => {
      f.set(V.index, -1, -1);
      const frame = mmu.memory.frameOf(gfnOf(f));
      f.set(V.hpa, (frame << 12) | (f.lo(V.gpa) & 0xfff), frame >>> 20);
      report(mmu, f);
    }),
    line('perform the store on guest memory, at hpa', { writes: ['memory', 'registers'] }, (mmu, f) => {
      mmu.processor.perform(f.lo(V.hpa), f.hi(V.hpa));
    }),
    repeat('sp = next shadow page of this frame', (mmu, f) => nextPage(mmu, f), [
      repeat('index = next SPTE of sp whose guest entry the store has changed', (mmu, f) => nextIndex(mmu, f), [
        when('the SPTE is present', (mmu, f) => mmu.sptes.isPresent(f.lo(V.sp), f.lo(V.index)), [
          line('zap the SPTE', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.pages', 'shadow.rmap'] }, (mmu, f) => {
            mmu.sptes.zap(f.lo(V.sp), f.lo(V.index), mmu.cpu);
            mmu.mustFlush = 1;
          }),
        ]),
        when('update = eager, and the new guest entry maps a backed page that was accessed', (mmu, f) => canRefill(mmu, f), [
          line('SPTE = that page, with the rights of role and entry',
            { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap'] },
            (mmu, f) => refill(mmu, f)),
        ]),
      ]),
    ]),
    when('a present SPTE is gone', (mmu) => mmu.mustFlush === 1, [
      line('INVVPID: the TLB may still hold it', { writes: ['tlb', 'counters'] }, (mmu) => mmu.processor.invvpid()),
    ]),
    give('to the guest, behind the store', RESUME.completed),
  ],
};

function gfnOf(f: ListingFrame): number {
  return (f.lo(V.gpa) >>> 12) | (f.hi(V.gpa) << 20);
}

function nextPage(mmu: ShadowMmu, f: ListingFrame): boolean {
  let page = f.lo(V.sp);
  do page = mmu.pages.nextOf(gfnOf(f), page);
  while (page !== 0 && isDirect(mmu.pages.roleOf(page)));
  f.set(V.sp, page, 0);
  f.set(V.index, -1, -1);
  return page !== 0;
}

/** The entries that the written bytes belong to, one after the other; `index` is -1 before the first. */
function nextIndex(mmu: ShadowMmu, f: ListingFrame): boolean {
  const offset = f.lo(V.gpa) & 0xfff;
  const first = Math.floor(offset / ENTRY_BYTES);
  const last = Math.min(511, Math.floor((offset + mmu.processor.pending.size - 1) / ENTRY_BYTES));
  const index = f.lo(V.index) < 0 ? first : f.lo(V.index) + 1;
  if (index > last) return false;
  f.set(V.index, index, 0);
  const { lo, hi } = guestEntry(mmu, f);
  f.set(V.entry, lo, hi);
  return true;
}

/** The guest's entry behind SPTE `index`, read from guest memory. */
function guestEntry(mmu: ShadowMmu, f: ListingFrame): { readonly lo: number; readonly hi: number } {
  const { memory } = mmu.guest;
  const at = (f.lo(V.hpa) & ~0xfff) | (f.lo(V.index) << 3);
  return { lo: memory.load32(at, f.hi(V.hpa)), hi: memory.load32(at | 4, f.hi(V.hpa)) };
}

/** Only a leaf of a last-level table is made anew: anything above is filled when it is walked. */
function canRefill(mmu: ShadowMmu, f: ListingFrame): boolean {
  if (mmu.update !== 'eager' || levelOf(mmu.pages.roleOf(f.lo(V.sp))) !== 1) return false;
  const { compiled } = mmu.guestTables();
  const lo = f.lo(V.entry);
  const isClean = ((lo & compiled.reservedLo[3]!) | (f.hi(V.entry) & compiled.reservedHi[3]!)) === 0;
  return isClean && (lo & compiled.presentMask) !== 0 && (lo & compiled.accessedMask) !== 0 && mmu.memory.frameOf(target(mmu, f)) >= 0;
}

function refill(mmu: ShadowMmu, f: ListingFrame): void {
  const { compiled } = mmu.guest;
  const gfn = target(mmu, f);
  let rights = accessOfRole(mmu.pages.roleOf(f.lo(V.sp))) & rightsOfEntry(compiled, f.lo(V.entry), f.hi(V.entry));
  if ((f.lo(V.entry) & compiled.dirtyMask) === 0 || mmu.isShadowed(gfn)) rights &= ~PAGE_RIGHTS.writable;
  const key = (f.hi(V.entry) >>> compiled.keyShift) & compiled.keyMask;
  mmu.sptes.setLeaf(f.lo(V.sp), f.lo(V.index), mmu.memory.frameOf(gfn), gfn, rights, key, mmu.cpu);
}

/** Guest frame that the new guest entry names. */
function target(mmu: ShadowMmu, f: ListingFrame): number {
  return (f.lo(V.entry) >>> 12) | ((f.hi(V.entry) & mmu.guest.compiled.frameHi) << 20);
}

function report(mmu: ShadowMmu, f: ListingFrame): void {
  mmu.processor.counters[COUNTER.page_table_writes_trapped]!++;
  if (!mmu.bus.on[KIND.page_table_write_trapped]) return;
  const { pending } = mmu.processor;
  const record = mmu.bus.begin(KIND.page_table_write_trapped, ACTOR.vmm, mmu.cpu);
  setPair(record, field.gva.at, f.lo(V.gva), f.hi(V.gva));
  setPair(record, field.gpa.at, f.lo(V.gpa), f.hi(V.gpa));
  setPair(record, field.address.at, f.lo(V.gpa), f.hi(V.gpa));
  setPair(record, field.hpa.at, f.lo(V.hpa), f.hi(V.hpa));
  const { memory } = mmu.guest;
  const at = f.lo(V.hpa) & ~7;
  setPair(record, field.old.at, memory.load32(at, f.hi(V.hpa)), memory.load32(at | 4, f.hi(V.hpa)));
  setPair(record, field.value.at, pending.operandLo, pending.operandHi);
  record[field.size.at] = pending.size;
  record[field.space.at] = SPACE.guest;
  mmu.bus.commit();
}
