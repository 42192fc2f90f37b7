import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { USE } from './hostFrames';
import { hvaPageOf, type HostMemoryManager } from './hostMemoryManager';
import { nextMapping } from './reclaim';

const W = { hpa: 0, hva: 1, vm: 2 } as const;
const M = { kept: 0, hpa: 1, hva: 2, vm: 3 } as const;
const S = { kept: 0, hpa: 1 } as const;

const writeProtectPage: ListingProcedure<HostMemoryManager> = {
  name: 'write_protect_page',
  purpose: 'A page that is to be shared must not be written any more: its entry loses W, and the hypervisor forgets that it had it.',
  values: [{ name: 'hpa', kind: 'hpa' }, { name: 'hva', kind: 'hva' }, { name: 'vm', kind: 'number' }],
  parameters: 1,
  body: [
    when('the one page that maps hpa has W', (host, f) => nextMapping(W)(host, f) && ownerOf(host, f, W.vm).process.isWritable(page(f, W.hva)) === 1, [
      line('mmu_notifier_invalidate_range_start(hva)', { writes: ['vm.mmu_notifier'] }, (host, f) => ownerOf(host, f, W.vm).notifier.rangeStart(page(f, W.hva), 1, host.actor)),
      line('PTE of hva = hpa without W', { writes: ['memory'] }, (host, f) => {
        ownerOf(host, f, W.vm).process.map(page(f, W.hva), f.frame(W.hpa), 'ro', host.actor);
      }),
      line('mmu_notifier_invalidate_range_end(hva)', { writes: ['vm.mmu_notifier'] }, (host, f) => ownerOf(host, f, W.vm).notifier.rangeEnd(page(f, W.hva), 1, host.actor)),
    ]),
  ],
};

/** Gives 1. Their contents must be equal. */
export const mergePages: ListingProcedure<HostMemoryManager> = {
  name: 'try_to_merge_with_ksm_page',
  purpose: 'Two frames of equal contents become one, mapped read-only by all that had either (KSM). A write later breaks that up.',
  values: [{ name: 'kept', kind: 'hpa' }, { name: 'hpa', kind: 'hpa' }, { name: 'hva', kind: 'hva' }, { name: 'vm', kind: 'number' }],
  parameters: 2,
  body: [
    line('write_protect_page(kept)', {}, (host, f) => void host.call(writeProtectPage, f.lo(M.kept), f.hi(M.kept))),
    line('write_protect_page(hpa): nobody can change them now, and they are still equal', {}, (host, f) => void host.call(writeProtectPage, f.lo(M.hpa), f.hi(M.hpa))),
    repeat('vm, hva = next page that maps hpa, as its reverse map tells', nextMapping(M), [
      line('mmu_notifier_invalidate_range_start(hva)', { writes: ['vm.mmu_notifier'] }, (host, f) => ownerOf(host, f, M.vm).notifier.rangeStart(page(f, M.hva), 1, host.actor)),
      line('replace_page: PTE of hva = kept without W', { writes: ['memory', 'host.frames', 'host.rmap', 'host.rmap_free'] }, (host, f) => {
        const owner = ownerOf(host, f, M.vm);
        host.host.rmap.remove(f.frame(M.hpa), owner.vm, page(f, M.hva));
        owner.map(page(f, M.hva), f.frame(M.kept), 'ro');
      }),
      line('mmu_notifier_invalidate_range_end(hva)', { writes: ['vm.mmu_notifier'] }, (host, f) => ownerOf(host, f, M.vm).notifier.rangeEnd(page(f, M.hva), 1, host.actor)),
    ]),
    line('free hpa', { writes: ['host.frames', 'host.frame_list'] }, (host, f) => host.freeUnlessMapped(f.frame(M.hpa))),
    give('done', 1),
  ],
};

/** Gives how many frames it has freed. */
export const ksmDoScan: ListingProcedure<HostMemoryManager> = {
  name: 'ksm_do_scan',
  purpose: 'Goes over the guest pages of all VMs, and merges those of equal contents.',
  values: [{ name: 'kept', kind: 'hpa' }, { name: 'hpa', kind: 'hpa' }],
  parameters: 0,
  body: [
    repeat('kept, hpa = next two frames whose contents are equal', (host, f) => nextPair(host, f), [
      line('try_to_merge_with_ksm_page(kept, hpa)', {}, (host, f) => void host.call(mergePages, f.lo(S.kept), f.hi(S.kept), f.lo(S.hpa), f.hi(S.hpa))),
    ]),
  ],
};

/** The procedures of KSM. */
export const mergeProcedures: readonly ListingProcedure<HostMemoryManager>[] = [ksmDoScan, mergePages, writeProtectPage];

/**
 * The lowest frame that equals one below it, and that one. A scan goes on behind the pair that it has found last: what lies
 * below was compared, and merging changes no page's contents.
 */
function nextPair(manager: HostMemoryManager, f: ListingFrame): boolean {
  const { host } = manager;
  if (!f.isKnown(S.hpa)) host.scan = { next: 0, byContents: new Map() };
  const { scan } = host;
  while (scan.next < host.frames.end) {
    const frame = scan.next++;
    if (!isMappedPage(manager, frame)) continue;
    const fingerprint = host.fingerprint(frame);
    const alike = scan.byContents.get(fingerprint);
    if (alike === undefined) {
      scan.byContents.set(fingerprint, [frame]);
      continue;
    }
    // How large a page is costs a walk: it is asked where there is something to compare with.
    if (!isSmallPage(manager, frame)) continue;
    const kept = alike.find((other) => isSmallPage(manager, other) && host.difference(other, frame) < 0);
    if (kept !== undefined) {
      f.setFrame(S.kept, kept);
      f.setFrame(S.hpa, frame);
      return true;
    }
    alike.push(frame);
  }
  return false;
}

function isMappedPage({ host }: HostMemoryManager, frame: number): boolean {
  return host.frames.useOf(frame) === USE.guestPage && host.rmap.first(frame) !== 0;
}

/** A page that is mapped in 4 KBytes: the scan leaves large ones whole. */
function isSmallPage({ host }: HostMemoryManager, frame: number): boolean {
  const link = host.rmap.first(frame);
  return host.managerOf(link).process.levelOf(host.rmap.hvaPageOf(link)) === 1;
}

function ownerOf(host: HostMemoryManager, f: ListingFrame, vm: number): HostMemoryManager {
  const owner = host.host.managers[f.lo(vm)]!;
  owner.actor = host.actor;
  return owner;
}

function page(f: ListingFrame, hva: number): number {
  return hvaPageOf(f.lo(hva), f.hi(hva));
}
