import { CR4 } from '../../hardware/processor/controlRegisters';
import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import { generationOfMmioEntry, gfnOfMmioEntry, mmioGeneration } from '../mmioEntry';
import { accessOf } from '../walkOperandPage';
import { emulateAccess } from './emulateAccess';
import type { ShadowMmu } from './shadowMmu';

const V = { gva: 0, error_code: 1, spte: 2, gpa: 3, generation: 4 } as const;
/** Rights that an MMIO SPTE has taken over from the guest's entries, where these have them. */
const WRITABLE = 2;
const USER = 4;

/** Gives 1 when the access is done, with what it came to in `cameTo`; 0 when the guest's tables must be walked. */
export const handleMmioPageFault: ListingProcedure<ShadowMmu> = {
  name: 'handle_mmio_page_fault',
  purpose: 'An SPTE with a reserved bit: it was made to fault, and tells that its frame is MMIO. No guest table need be walked, and no slot looked for.',
  values: [
    { name: 'gva', kind: 'gva' }, { name: 'error_code', kind: 'number' }, { name: 'spte', kind: 'number' },
    { name: 'gpa', kind: 'gpa' }, { name: 'generation', kind: 'number' },
  ],
  parameters: 2,
  body: [
    line('spte = walk(shadow CR3, gva); gpa and generation are in it', {}, (mmu, f) => readEntry(mmu, f)),
    when('the slots are of another generation by now', (mmu, f) => f.lo(V.generation) !== mmioGeneration(mmu.memory.slots.generation), [
      give('nothing is known', 0),
    ]),
    when('the rights in spte do not allow the access by themselves', (mmu, f) => !allows(mmu, f), [give('nothing is known', 0)]),
    line('emulate_access(gva, error_code, gpa)', {}, (mmu, f) => {
      mmu.cameTo = mmu.call(emulateAccess, f.lo(V.gva), f.hi(V.gva), f.lo(V.error_code), 0, f.lo(V.gpa), f.hi(V.gpa));
    }),
    give('what it came to', 1),
  ],
};

function readEntry(mmu: ShadowMmu, f: ListingFrame): void {
  mmu.processor.walkWithoutEffects(f.lo(V.gva), f.hi(V.gva), accessOf(f.lo(V.error_code)));
  const { entryLo: { 1: lo = 0 }, entryHi: { 1: hi = 0 } } = mmu.processor.inspection.result;
  const gfn = gfnOfMmioEntry(lo, hi);
  f.set(V.spte, lo, hi);
  f.set(V.gpa, (gfn << 12) | (f.lo(V.gva) & 0xfff), gfn >>> 20);
  f.set(V.generation, generationOfMmioEntry(lo, hi), 0);
}

/** Whatever asks for more than the entry's W and U (SMAP, a key, CR0.WP = 0, a fetch) is for the guest's tables to say. */
function allows(mmu: ShadowMmu, f: ListingFrame): boolean {
  const code = f.lo(V.error_code);
  const spte = f.lo(V.spte);
  if ((code & PFEC.ID) !== 0 || ((code & PFEC.W) !== 0 && (spte & WRITABLE) === 0)) return false;
  if ((code & PFEC.U) === 0) return (spte & USER) === 0;
  return (spte & USER) !== 0 && (mmu.cr4 & CR4.PKE) === 0;
}
