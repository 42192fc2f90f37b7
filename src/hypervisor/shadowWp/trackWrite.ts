import { PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { rightsOfEntry } from '../../hardware/paging/entryRights';
import { frameInEntry } from '../../hardware/memory/frameNumber';
import { line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { accessOf, entryBytesOf, guestIndexOf, isDirect, levelOf, modeIn, quadrantOf, sptesPerEntry } from './role';
import type { ShadowMmu } from './shadowMmu';

/** Entries of a shadow table. */
const SPTES = 512;
const V = { gpa: 0, bytes: 1, sp: 2, index: 3, entry: 4 } as const;

export const trackWrite: ListingProcedure<ShadowMmu> = {
  name: 'track_write',
  purpose: 'Guest memory that holds shadowed page tables has been written: what the shadow made of the old entries goes.',
  values: [
    { name: 'gpa', kind: 'gpa' }, { name: 'bytes', kind: 'number' }, { name: 'sp', kind: 'number' },
    { name: 'index', kind: 'number' }, { name: 'entry', kind: 'number' },
  ],
  parameters: 2,
  body: [
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
            { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap', 'shadow.translation'] },
            (mmu, f) => refill(mmu, f)),
        ]),
      ]),
    ]),
  ],
};

function nextPage(mmu: ShadowMmu, f: ListingFrame): boolean {
  let page = f.lo(V.sp);
  do page = mmu.pages.nextOf(f.frame(V.gpa), page);
  while (page !== 0 && isDirect(mmu.pages.roleOf(page)));
  f.set(V.sp, page, 0);
  f.set(V.index, -1, -1);
  return page !== 0;
}

/**
 * The SPTEs of sp whose guest entries the written bytes belong to, one after the other; `index` is -1 before the first. The
 * shadow pages of a table of 4-byte entries share it, quadrant by quadrant.
 */
function nextIndex(mmu: ShadowMmu, f: ListingFrame): boolean {
  const role = mmu.pages.roleOf(f.lo(V.sp));
  const entryBytes = entryBytesOf(role);
  const offset = f.lo(V.gpa) & 0xfff;
  const span = sptesPerEntry(role);
  const quadrant = SPTES * quadrantOf(role);
  const first = Math.max(0, Math.floor(offset / entryBytes) * span - quadrant);
  const last = Math.min(SPTES, (Math.floor((offset + f.lo(V.bytes) - 1) / entryBytes) + 1) * span - quadrant) - 1;
  const index = f.lo(V.index) < 0 ? first : f.lo(V.index) + 1;
  if (index > last) return false;
  f.set(V.index, index, 0);
  const frame = mmu.memory.frameOf(f.frame(V.gpa));
  const at = (frame << 12) | (guestIndexOf(role, index) * entryBytes);
  const { memory } = mmu.guest;
  f.set(V.entry, memory.load32(at, frame >>> 20), entryBytes === 4 ? 0 : memory.load32(at | 4, frame >>> 20));
  return true;
}

/** Only a leaf of a last-level table of the present mode is made anew: anything above is filled when it is walked. */
function canRefill(mmu: ShadowMmu, f: ListingFrame): boolean {
  const role = mmu.pages.roleOf(f.lo(V.sp));
  if (mmu.update !== 'eager' || levelOf(role) !== 1 || modeIn(role) !== mmu.mode) return false;
  const { compiled } = mmu.guestTables();
  const lo = f.lo(V.entry);
  const isClean = ((lo & compiled.reservedLo[3]!) | (f.hi(V.entry) & compiled.reservedHi[3]!)) === 0;
  return isClean && (lo & compiled.presentMask) !== 0 && (lo & compiled.accessedMask) !== 0 && mmu.memory.frameOf(target(mmu, f)) >= 0;
}

function refill(mmu: ShadowMmu, f: ListingFrame): void {
  const { compiled } = mmu.guest;
  const gfn = target(mmu, f);
  let rights = accessOf(mmu.pages.roleOf(f.lo(V.sp))) & rightsOfEntry(compiled, f.lo(V.entry), f.hi(V.entry));
  if ((f.lo(V.entry) & compiled.dirtyMask) === 0 || mmu.isShadowed(gfn)) rights &= ~PAGE_RIGHTS.writable;
  const key = (f.hi(V.entry) >>> compiled.keyShift) & compiled.keyMask;
  mmu.sptes.setLeaf(f.lo(V.sp), f.lo(V.index), mmu.memory.frameOf(gfn), gfn, rights, key, mmu.cpu);
}

/** Guest frame that the new guest entry names. */
function target(mmu: ShadowMmu, f: ListingFrame): number {
  return frameInEntry(f.lo(V.entry), f.hi(V.entry));
}
