import { line, repeat, when, type ListingFrame, type ListingNode, type ListingProcedure } from '../listing';
import { entryBytesOf, isDirect, levelOf, modeIn, quadrantOf, sptesPerEntry } from './role';
import type { ShadowMmu } from './shadowMmu';

/** Entries of a shadow table. */
const SPTES = 512;
/** Numbers of its values. */
export const TRACK_WRITE = { gpa: 0, bytes: 1, sp: 2, index: 3, entry: 4 } as const;
const V = TRACK_WRITE;

/** What every way of shadow paging does first with SPTE `index` of `sp`, whose guest entry has been written. */
export function zapPresentSpte<Mmu extends ShadowMmu>(): ListingNode<Mmu> {
  return when('the SPTE is present', (mmu, f) => mmu.sptes.isPresent(f.lo(V.sp), f.lo(V.index)), [
    line('zap the SPTE', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.pages', 'shadow.rmap'] }, (mmu, f) => {
      mmu.sptes.zap(f.lo(V.sp), f.lo(V.index), mmu.cpu);
      mmu.mustFlush = 1;
    }),
  ]);
}

export const trackWrite: ListingProcedure<ShadowMmu> = {
  name: 'track_write',
  purpose: 'Guest memory that holds shadowed page tables has been written: what the shadow made of the old entries goes.',
  values: [
    { name: 'gpa', kind: 'gpa' }, { name: 'bytes', kind: 'number' }, { name: 'sp', kind: 'number' },
    { name: 'index', kind: 'number' }, { name: 'entry', kind: 'number' },
  ],
  parameters: 2,
  body: [
    repeat('sp = next shadow page of this frame', (mmu, f) => nextTable(mmu, f), [
      repeat('index = next SPTE of sp whose guest entry the store has changed', (mmu, f) => nextIndex(mmu, f), [
        zapPresentSpte(),
        when('update = eager, and the new guest entry maps a backed page that was accessed', (mmu, f) => canRefill(mmu, f), [
          line('SPTE = that page, with the rights of role and entry',
            { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap', 'shadow.translation'] },
            (mmu, f) => refill(mmu, f)),
        ]),
      ]),
    ]),
  ],
};

/** The shadow pages of guest tables in the written frame, one after the other; before the first, sp is 0. */
export function nextTable(mmu: ShadowMmu, f: ListingFrame): boolean {
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
export function nextIndex(mmu: ShadowMmu, f: ListingFrame): boolean {
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
  mmu.leaf.readEntry(mmu, f.lo(V.sp), index);
  f.set(V.entry, mmu.leaf.lo, mmu.leaf.hi);
  return true;
}

/** Only a leaf of a last-level table of the present mode is made anew: anything above is filled when it is walked. */
function canRefill(mmu: ShadowMmu, f: ListingFrame): boolean {
  const role = mmu.pages.roleOf(f.lo(V.sp));
  return mmu.update === 'eager' && levelOf(role) === 1 && mmu.isInForce(modeIn(role)) && mmu.leaf.read(mmu, f.lo(V.sp), f.lo(V.index));
}

function refill({ sptes, leaf, cpu }: ShadowMmu, f: ListingFrame): void {
  sptes.setLeaf(f.lo(V.sp), f.lo(V.index), leaf.frame, leaf.gfn, leaf.rights, leaf.key, cpu);
}
