import { ALL_RIGHTS } from '../../hardware/paging/accessRights';
import { EPT4 } from '../../hardware/paging/formats/ept4';
import { VMCS } from '../../hardware/vmx/vmcs';
import { give, line, repeat, when, type ListingProcedure } from '../listing';
import { STOP_REASON } from '../vcpuState';
import { role02 } from './ept02Role';
import { getShadowPage02 } from './getShadowPage02';
import type { NestedMmu } from './nestedMmu';

/** Shadow pages that one violation can need at most: KVM's KVM_MIN_FREE_MMU_PAGES. */
const MIN_FREE_MMU_PAGES = 5;
/** State that a shadow page goes with. */
export const SHADOW_PAGE = [
  'memory', 'shadow.pages', 'shadow.hash', 'shadow.pool', 'shadow.links', 'shadow.links_free', 'shadow.rmap', 'host.frames', 'host.frame_list',
] as const;

export const makePagesAvailable02: ListingProcedure<NestedMmu> = {
  name: 'make_mmu_pages_available',
  purpose: 'Shadow pages of EPT02 are limited: the oldest give way, first in, first out.',
  values: [],
  parameters: 0,
  body: [
    repeat('fewer than 5 shadow pages are free', ({ ept02: { pages } }) => pages.limit - pages.used < MIN_FREE_MMU_PAGES, [
      line('zap the oldest shadow page that is no root', { writes: SHADOW_PAGE }, (mmu) => {
        mmu.ept02.zapPage(mmu.ept02.pages.oldest(), mmu.cpu);
        mmu.mustFlush = 1;
      }),
    ]),
  ],
};

const V = { gfn: 0, role: 1, root: 2, old: 3 } as const;

/** Gives the root, or 0: the VM is stopped. */
export const loadRoot02: ListingProcedure<NestedMmu> = {
  name: 'load_root',
  purpose: 'EPT02 shadows the EPT that the EPTP of vmcs12 names: from the cache, or a new, empty root.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'role', kind: 'number' }, { name: 'root', kind: 'number' }, { name: 'old', kind: 'number' }],
  parameters: 0,
  body: [
    line('gfn = EPTP of vmcs12 >> 12, role = level 4 with every right, guest_mode', {}, (mmu, f) => {
      f.set(V.gfn, mmu.rootGfn, 0);
      f.set(V.role, role02(EPT4.levels, ALL_RIGHTS, mmu.adDisabled), 0);
    }),
    when('no memslot holds gfn', (mmu, f) => mmu.memory.slots.find(f.lo(V.gfn)) < 0, [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.eptpOutsideSlots), { writes: ['vcpu'] }),
    ]),
    line('make_mmu_pages_available()', {}, (mmu) => void mmu.call(makePagesAvailable02)),
    line('root = get_shadow_page(gfn, role)', {}, (mmu, f) => f.set(V.root, mmu.call(getShadowPage02, f.lo(V.gfn), 0, f.lo(V.role), 0), 0)),
    when('host memory is used up', (_, f) => f.lo(V.root) === 0, [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.hostMemory), { writes: ['vcpu'] }),
    ]),
    line('unpin the old root, pin root', { writes: ['shadow.pages', 'nested'] }, (mmu, f) => {
      const { state, ept02: { pages } } = mmu;
      f.set(V.old, state.rootPage, 0);
      if (state.rootPage !== 0) pages.addRoot(state.rootPage, -1);
      pages.addRoot(f.lo(V.root), 1);
      state.rootPage = f.lo(V.root);
    }),
    when('the old root is obsolete, and no vCPU has it any more', ({ ept02: { pages } }, f) => pages.isObsolete(f.lo(V.old)) && pages.rootCount(f.lo(V.old)) === 0, [
      line('zap it', { writes: SHADOW_PAGE }, (mmu, f) => mmu.ept02.zapPage(f.lo(V.old), mmu.cpu)),
    ]),
    when('rights were taken away on the way', (mmu) => mmu.mustFlush === 1, [
      line('kvm_flush_remote_tlbs(), INVEPT on every vCPU: a TLB may still hold them', { writes: ['tlb', 'counters'] }, (mmu) => {
        mmu.flushRemoteTlbs();
        mmu.mustFlush = 0;
      }),
    ]),
    give('root', (_, f) => f.lo(V.root)),
  ],
};

function stop(mmu: NestedMmu, reason: number): number {
  mmu.vcpu.stop = reason;
  return 0;
}

/** Low half of the EPTP of EPT02: memory type, walk length and flags as L1 has them in its own. */
export function eptp02Lo(mmu: NestedMmu): number {
  return (mmu.ept02.pages.frameOf(mmu.state.rootPage) << 12) | (mmu.field12(VMCS.eptp) & 0xfff);
}

export function eptp02Hi(mmu: NestedMmu): number {
  return mmu.ept02.pages.frameOf(mmu.state.rootPage) >>> 20;
}
