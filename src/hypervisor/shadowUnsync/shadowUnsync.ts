import { line, when } from '../listing';
import { cannotBeLeft } from '../shadowWp/leafRights';
import { childByGuestTable, FETCH, fetchOf, indexOf, withholdWrite } from '../shadowWp/fetch';
import { pageFaultOf, trappedWrites, unprotectedWrites } from '../shadowWp/pageFault';
import { isDirect } from '../shadowWp/role';
import { listingOf } from '../shadowWp/protectedTables';
import { ShadowWp, type ShadowFlavour } from '../shadowWp/shadowWp';
import { unprotectPageOf } from '../shadowWp/unprotectPage';
import { PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import type { VirtualMachine } from '../virtualMachine';
import { vmcsControl } from '../vmcsControl';
import { walkOperandPage } from '../walkOperandPage';
import { getShadowPage } from './getShadowPage';
import { handleInvlpg, handleInvpcid, invalidateAddress, invalidateFaulting } from './invalidations';
import { loadPaeRoots, loadRoot } from './loadRoot';
import { PreviousRoots } from './previousRoots';
import { ptePrefetch } from './ptePrefetch';
import { syncChildren, syncPage, syncSpte } from './syncPages';
import { trackWrite } from './trackWrite';
import { tryToUnsync } from './tryToUnsync';
import { UnsyncMmu } from './unsyncMmu';
import { UnsyncPages } from './unsyncPages';

/** KVM's detect_write_flooding; with early unshadow, as Xen does it, one store less. */
const FLOOD_LIMIT = 3;

export interface ShadowUnsyncSettings {
  readonly shadowPages: number;
  readonly prefetch: number;
  readonly previousRoots: number;
  readonly earlyUnshadow: 'on' | 'off';
}

const handlePageFault = pageFaultOf<UnsyncMmu>({
  beforeTrueFault: [invalidateFaulting],
  ...trappedWrites('the access writes a frame with a shadowed table above the last level, or with one that no SPTE can let it write',
    (mmu, gfn, errorCode) => mmu.isTracked(gfn) || mmu.isShadowed(gfn) && cannotBeLeft(mmu, errorCode)),
  unprotected: [unprotectedWrites()],
});

const fetch = fetchOf<UnsyncMmu>({
  largePages: 'on',
  child: childByGuestTable(),
  atPage: [
    line('write_flooding_count(sp) = 0: it is in use', { writes: ['shadow.unsync'] }, (mmu, f) => mmu.unsync.setFlooding(f.lo(FETCH.sp), 0)),
  ],
  afterZap: [],
  beforeLink: [
    when('a page below child is unsync', (mmu, f) => mmu.unsync.hasUnsyncBelow(f.lo(FETCH.child)), [
      line('mmu_sync_children(child): an entry that becomes present needs no INVLPG', {}, (mmu, f) => void mmu.call(syncChildren, f.lo(FETCH.child), 0)),
    ]),
  ],
  beforeLeaf: [
    when('rights have W, and gfn holds a shadowed page table', (mmu, f) => (f.lo(FETCH.rights) & PAGE_RIGHTS.writable) !== 0 && mmu.isShadowed(f.lo(FETCH.gfn)), [
      when('mmu_try_to_unsync_pages(gfn) says no', (mmu, f) => mmu.call(tryToUnsync, f.lo(FETCH.gfn), 0) === 0, [
        line('rights = no W: writes to it must trap', {}, (_, f) => withholdWrite(f)),
      ]),
    ]),
  ],
  afterLeaf: [
    when('prefetch is on, and sp is the shadow of a guest table of the last level', (mmu, f) => mmu.policy.prefetch > 1 && f.lo(FETCH.level) === 1 && !isDirect(mmu.pages.roleOf(f.lo(FETCH.sp))), [
      line('pte_prefetch(sp, index)', {}, (mmu, f) => void mmu.call(ptePrefetch, f.lo(FETCH.sp), 0, indexOf(f), 0)),
    ]),
  ],
});

const walkOther = walkOperandPage<UnsyncMmu>(vmcsControl, { beforeFault: (fault) => (fault === '#PF' ? [invalidateFaulting] : []) });
const unprotectPage = unprotectPageOf<UnsyncMmu>(['shadow.unsync']);
const procedures = { handlePageFault, fetch, getShadowPage, loadRoot, handleInvlpg, handleInvpcid };

/**
 * Shadow paging as KVM does it: tables above the last level are write-protected, those of the last level may leave step with
 * their shadow, and come back into step where the guest would have to expect that a TLB forgets: at INVLPG and loads of CR3.
 */
export class ShadowUnsync extends ShadowWp {
  readonly unsync: UnsyncPages;
  readonly previousRoots: readonly PreviousRoots[];

  constructor(vm: VirtualMachine, settings: ShadowUnsyncSettings) {
    const parts: { unsync?: UnsyncPages } = {};
    const previousRoots: PreviousRoots[] = [];
    const { prefetch, earlyUnshadow, previousRoots: most } = settings;
    const policy = { prefetch, floodLimit: earlyUnshadow === 'on' ? FLOOD_LIMIT - 1 : FLOOD_LIMIT };
    const flavour: ShadowFlavour = {
      name: 'shadow-unsync',
      mostRoots: most + 1,
      procedures,
      listing: [...listingOf(procedures, { trackWrite, loadPaeRoots, walkOther, unprotectPage }), invalidateAddress, tryToUnsync, ptePrefetch, syncChildren, syncPage, syncSpte],
      makeMmu: (...mmu) => {
        const [cpu, , , pages, sptes] = mmu;
        const unsync = parts.unsync ??= new UnsyncPages(vm.registry, pages.limit, sptes);
        sptes.watcher = unsync;
        const previous = new PreviousRoots(vm.host.registry, cpu, most, pages);
        previousRoots.push(previous);
        return new UnsyncMmu(unsync, previous, policy, ...mmu);
      },
    };
    super(vm, { shadowPages: settings.shadowPages, update: 'zap' }, flavour);
    if (parts.unsync === undefined) throw new Error('invariant: a VM without a CPU');
    this.unsync = parts.unsync;
    this.previousRoots = previousRoots;
  }
}
