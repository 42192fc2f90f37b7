import { line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { isDirect } from './role';
import type { ShadowMmu } from './shadowMmu';
import { unmapGfnRange } from './unmapGfnRange';

/** State that an SPTE of a large page goes with. */
const ZAPPED = ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap'] as const;
const F = { gfn: 0, pages: 1, sp: 2, gone: 3 } as const;

export const flushShadowMemslot: ListingProcedure<ShadowMmu> = {
  name: 'kvm_arch_flush_shadow_memslot',
  purpose: 'A memory slot is about to go: no SPTE may map its frames, and no shadow page stand for guest tables in them.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'pages', kind: 'number' }, { name: 'sp', kind: 'number' }, { name: 'gone', kind: 'number' }],
  parameters: 2,
  body: [
    line('kvm_unmap_gfn_range(gfn, pages)', {}, (mmu, f) => {
      mmu.runner.call(unmapGfnRange, mmu as never, mmu.actor, [f.lo(F.gfn), 0, f.lo(F.pages), 0]);
      f.set(F.sp, 0, 0);
      f.set(F.gone, 0, 0);
    }),
    repeat('sp = next shadow page of a guest table in the range', (mmu, f) => nextPage(mmu, f), [
      line('zap sp; of one that is a root in use, its entries',
        { writes: ['memory', 'shadow.pages', 'shadow.hash', 'shadow.pool', 'shadow.links', 'shadow.links_free', 'shadow.rmap', 'host.frames', 'host.frame_list'] },
        (mmu, f) => {
          if (mmu.pages.rootCount(f.lo(F.sp)) > 0) mmu.sptes.zapEntries(f.lo(F.sp), mmu.actor);
          else mmu.sptes.zapPage(f.lo(F.sp), mmu.actor);
          f.set(F.gone, f.lo(F.gone) + 1, 0);
        }),
    ]),
    when('a shadow page is gone', (_, f) => f.lo(F.gone) > 0, [
      line('kvm_flush_remote_tlbs(), INVVPID on every vCPU: a TLB may still hold what it led to', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushRemoteTlbs()),
    ]),
  ],
};

function nextPage({ pages }: ShadowMmu, f: ListingFrame): boolean {
  for (let page = f.lo(F.sp) + 1; page < pages.end; page++) {
    if (!pages.isInUse(page) || isDirect(pages.roleOf(page))) continue;
    if (pages.gfnOf(page) < f.lo(F.gfn) || pages.gfnOf(page) >= f.lo(F.gfn) + f.lo(F.pages)) continue;
    f.set(F.sp, page, 0);
    return true;
  }
  return false;
}

const L = { gfn: 0, pages: 1, next: 2 } as const;

export const enableLogDirty: ListingProcedure<ShadowMmu> = {
  name: 'kvm_arch_mmu_enable_log_dirty_pt_masked',
  purpose: 'From now on the first write to each of these guest frames is noticed: it faults.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'pages', kind: 'number' }, { name: 'next', kind: 'number' }],
  parameters: 2,
  body: [
    line('next = the frame before gfn', {}, (_, f) => f.set(L.next, f.lo(L.gfn) - 1, (f.lo(L.gfn) - 1) >> 31)),
    repeat('next = next frame of the range that an SPTE maps, as its reverse map tells', (mmu, f) => nextMapped(mmu, f), [
      line('clear W in every SPTE on its reverse map; one that maps a large page goes', { writes: ZAPPED }, (mmu, f) => void mmu.sptes.writeProtect(f.lo(L.next), mmu.actor)),
    ]),
  ],
};

function nextMapped({ sptes }: ShadowMmu, f: ListingFrame): boolean {
  for (let gfn = f.lo(L.next) + 1; gfn < f.lo(L.gfn) + f.lo(L.pages); gfn++) {
    if (!sptes.isMapped(gfn)) continue;
    f.set(L.next, gfn, 0);
    return true;
  }
  return false;
}
