import { line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { entryBytesOf, levelOf } from '../shadowWp/role';
import { nextIndex, zapPresentSpte } from '../shadowWp/trackWrite';
import type { UnsyncMmu } from './unsyncMmu';

const V = { gpa: 0, bytes: 1, sp: 2, index: 3, entry: 4, next: 5 } as const;

export const trackWrite: ListingProcedure<UnsyncMmu> = {
  name: 'track_write',
  purpose: 'Guest memory that holds shadowed page tables has been written: what the shadow made of the old entries goes, or the whole page does.',
  values: [
    { name: 'gpa', kind: 'gpa' }, { name: 'bytes', kind: 'number' }, { name: 'sp', kind: 'number' },
    { name: 'index', kind: 'number' }, { name: 'entry', kind: 'number' }, { name: 'next', kind: 'number' },
  ],
  parameters: 2,
  body: [
    line('next = first shadow page of this frame', {}, (mmu, f) => f.set(V.next, mmu.nextTable(f.frame(V.gpa), 0, any), 0)),
    repeat('sp = next, if there is one; next = the one after it', (mmu, f) => nextPage(mmu, f), [
      when('sp stands above the last level', (mmu, f) => levelOf(mmu.pages.roleOf(f.lo(V.sp))) > 1, [
        line('write_flooding_count(sp) += 1', { writes: ['shadow.unsync'] }, (mmu, f) => mmu.unsync.setFlooding(f.lo(V.sp), mmu.unsync.floodingOf(f.lo(V.sp)) + 1)),
      ]),
      when('the store is not of one entry, or it is the third to an unused page (early_unshadow: the second); and sp is no root', (mmu, f) => isNoTable(mmu, f), [
        line('zap page sp: a table that is built anew, or none any more. Its frame needs no protection then',
          { writes: ['memory', 'shadow.pages', 'shadow.hash', 'shadow.pool', 'shadow.links', 'shadow.links_free', 'shadow.rmap', 'shadow.unsync', 'host.frames', 'host.frame_list'] },
          (mmu, f) => {
            mmu.sptes.zapPage(f.lo(V.sp), mmu.cpu);
            mmu.mustFlush = 1;
            f.set(V.sp, 0, 0);
          }),
      ]),
      when('sp is still there', (_, f) => f.lo(V.sp) !== 0, [
        repeat('index = next SPTE of sp whose guest entry the store has changed', (mmu, f) => nextIndex(mmu, f), [
          zapPresentSpte(),
        ]),
      ]),
    ]),
  ],
};

function any(): boolean {
  return true;
}

function nextPage(mmu: UnsyncMmu, f: ListingFrame): boolean {
  const page = f.lo(V.next);
  f.set(V.sp, page, 0);
  f.set(V.index, -1, -1);
  if (page === 0) return false;
  f.set(V.next, mmu.nextTable(f.frame(V.gpa), page, any), 0);
  return true;
}

/** KVM's detect_write_misaligned and detect_write_flooding. A root that is in use stays: its vCPU would need another at once. */
function isNoTable(mmu: UnsyncMmu, f: ListingFrame): boolean {
  const page = f.lo(V.sp);
  if (mmu.pages.rootCount(page) > 0) return false;
  return mmu.unsync.floodingOf(page) >= mmu.policy.floodLimit || isMisaligned(f.lo(V.gpa) & 0xfff, f.lo(V.bytes), entryBytesOf(mmu.pages.roleOf(page)));
}

/** A single byte at the start of an entry is a flag that is set or cleared. */
function isMisaligned(offset: number, bytes: number, entryBytes: number): boolean {
  if ((offset & (entryBytes - 1)) === 0 && bytes === 1) return false;
  return bytes < 4 || ((offset ^ (offset + bytes - 1)) & ~(entryBytes - 1)) !== 0;
}
