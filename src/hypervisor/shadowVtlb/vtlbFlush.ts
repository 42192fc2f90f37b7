import { give, line, repeat, when, type ListingFrame, type ListingNode, type ListingProcedure } from '../listing';
import { invpcidOf } from '../shadowWp/controlRegisters';
import { isDirect, levelOf } from '../shadowWp/role';
import { zapOrphansOf } from '../shadowWp/zapOrphans';
import { RESUME } from '../../hardware/processor/rootMode';
import type { VtlbMmu } from './vtlbMmu';

const ENTRIES = 512;
const LEAF_STATE = ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap'] as const;
const LINK_STATE = ['memory', 'shadow.links', 'shadow.links_free', 'shadow.pages'] as const;

/** The one `zap_orphans` of this listing. */
export const zapOrphans = zapOrphansOf<VtlbMmu>(['shadow.vtlb']);

const F = { gva: 0, sp: 1, index: 2 } as const;

/** NOVA's `Vtlb::flush`. */
export const vtlbFlush: ListingProcedure<VtlbMmu> = {
  name: 'vtlb_flush',
  purpose: 'The virtual TLB forgets the page of one linear address, as the TLB does: a large page with all its fragments.',
  values: [{ name: 'gva', kind: 'gva' }, { name: 'sp', kind: 'number' }, { name: 'index', kind: 'number' }],
  parameters: 1,
  body: [
    when('sp, index = SPTE of gva: that of the last level, or one above it that leads to fragments of a large page', (mmu, f) => findEntry(mmu, f), [
      when('it leads to fragments', (mmu, f) => levelOf(mmu.pages.roleOf(f.lo(F.sp))) > 1, [
        line('zap the SPTE', { writes: LINK_STATE }, (mmu, f) => void mmu.sptes.zap(f.lo(F.sp), f.lo(F.index), mmu.cpu)),
        when('the guest\'s page has a second one: it is of 4 MBytes', (mmu, f) => twinOf(mmu, f) >= 0, [
          line('zap that too', { writes: LINK_STATE }, (mmu, f) => void mmu.sptes.zap(f.lo(F.sp), twinOf(mmu, f), mmu.cpu)),
        ]),
        line('zap_orphans(): the fragments go', {}, (mmu) => {
          const { mustFlush } = mmu;
          mmu.call(zapOrphans);
          // They were this vCPU's alone, and the next line is enough for them.
          mmu.mustFlush = mustFlush;
        }),
        line('INVVPID: the TLB may hold any of them', { writes: ['tlb', 'counters'] }, (mmu) => mmu.processor.invvpid()),
        give('done', 1),
      ]),
      line('zap the SPTE', { writes: LEAF_STATE }, (mmu, f) => void mmu.sptes.zap(f.lo(F.sp), f.lo(F.index), mmu.cpu)),
    ]),
    line('INVVPID of one address: gva', { writes: ['tlb', 'counters'] }, (mmu, f) => mmu.processor.invvpidAddress(f.lo(F.gva), f.hi(F.gva))),
  ],
};

/** Gives a `RESUME`. */
export const handleInvlpg: ListingProcedure<VtlbMmu> = {
  name: 'handle_invlpg',
  purpose: 'INVLPG: what the guest means for its TLB is for the virtual one too.',
  values: [{ name: 'gva', kind: 'gva' }],
  parameters: 1,
  body: [
    line('vtlb_flush(gva)', {}, (mmu, f) => void mmu.call(vtlbFlush, f.lo(F.gva), f.hi(F.gva))),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
};

/**
 * Lines that empty the virtual TLB of this vCPU, tables left where they are. Uses values `sp` and `index`, which follow each
 * other from number `sp` on; `all`: 1 when what is global goes too.
 */
export function forgetLeaves(text: string, sp: number, all: (mmu: VtlbMmu, f: ListingFrame) => number): readonly ListingNode<VtlbMmu>[] {
  return [
    line('sp, index = none', {}, (_, f) => {
      f.set(sp, 0, 0);
      f.set(sp + 1, -1, -1);
    }),
    repeat(`sp, index = next SPTE of the last level in this vCPU's tables${text}`, (mmu, f) => {
      const next = mmu.nextLeaf(f.lo(sp) * ENTRIES + f.lo(sp + 1), all(mmu, f));
      if (next < 0) return false;
      f.set(sp, next / ENTRIES | 0, 0);
      f.set(sp + 1, next % ENTRIES, 0);
      return true;
    }, [
      line('zap the SPTE', { writes: LEAF_STATE }, (mmu, f) => void mmu.sptes.zap(f.lo(sp), f.lo(sp + 1), mmu.cpu)),
    ]),
  ];
}

/** SDM Vol. 2, "INVPCID—Invalidate Process-Context Identifier": type 2 takes global translations too. */
const ALL_CONTEXTS = 2;
const P = { type: 0, gva: 1, sp: 2 } as const;

/** Gives a `RESUME`. Its first two values are the operands. */
export const handleInvpcid = invpcidOf<VtlbMmu>({
  purpose: 'INVPCID: of an address as INVLPG. The virtual TLB has all PCIDs as one, and forgets rather too much.',
  values: [{ name: 'sp', kind: 'number' }, { name: 'index', kind: 'number' }],
  ofAddress: [give('handle_invlpg(gva)', (mmu, f) => mmu.call(handleInvlpg, f.lo(P.gva), f.hi(P.gva)))],
  ofContext: forgetLeaves(', without G unless type is 2', P.sp, (_, f) => (f.lo(P.type) === ALL_CONTEXTS ? 1 : 0)),
});

function findEntry(mmu: VtlbMmu, f: ListingFrame): boolean {
  const found = { page: 0, index: 0 };
  const isThere = mmu.findEntry(f.lo(F.gva), f.hi(F.gva), found);
  if (!isThere) return false;
  f.set(F.sp, found.page, 0);
  f.set(F.index, found.index, 0);
  return true;
}

/** The other SPTE of the same page of 4 MBytes, if it leads to fragments too, or -1. */
function twinOf(mmu: VtlbMmu, f: ListingFrame): number {
  const index = f.lo(F.index) ^ 1;
  if (!mmu.hasTwin(f.lo(F.sp))) return -1;
  const child = mmu.sptes.childOf(f.lo(F.sp), index);
  return child !== 0 && isDirect(mmu.pages.roleOf(child)) ? index : -1;
}
