import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import { LARGE_FRAMES, USE } from './hostFrames';
import { hvaPageOf, type HostMemoryManager } from './hostMemoryManager';

const V = { hva: 0, hpa: 1 } as const;

/** Gives 1, or 0 when no frame is left for the table. */
export const splitHugePmd: ListingProcedure<HostMemoryManager> = {
  name: 'split_huge_pmd',
  purpose: 'A large page of the host becomes 512 small ones, in the same frames: a part of it is to have a fate of its own.',
  values: [{ name: 'hva', kind: 'hva' }],
  parameters: 1,
  body: [
    line('mmu_notifier_invalidate_range_start(the 2 MBytes)', { writes: ['vm.mmu_notifier'] }, (host, f) => host.notifier.rangeStart(first(host, f), LARGE_FRAMES, host.actor)),
    line('PDE = a table of 512 PTEs, which map the same frames', { writes: ['memory', 'host.frames', 'host.frame_list'] }, (host, f) => {
      host.frame = host.process.split(first(host, f), host.actor) ? 0 : -1;
    }),
    line('mmu_notifier_invalidate_range_end(the 2 MBytes)', { writes: ['vm.mmu_notifier'] }, (host, f) => host.notifier.rangeEnd(first(host, f), LARGE_FRAMES, host.actor)),
    when('host memory is used up', (host) => host.frame < 0, [give('nothing', 0)]),
    give('done', 1),
  ],
};

/** Gives 1, or 0 when no 2 MBytes lie free in a row, or no frame besides for a table above them. */
export const collapseHugePage: ListingProcedure<HostMemoryManager> = {
  name: 'collapse_huge_page',
  purpose: 'khugepaged: 512 small pages are copied into one large one. What was shared is the VM\'s own again, what was in the swap device comes back.',
  values: [{ name: 'hva', kind: 'hva' }, { name: 'hpa', kind: 'hpa' }],
  parameters: 1,
  body: [
    line('hpa = alloc_pages() of 2 MBytes', { writes: ['host.frames', 'host.frame_list'] }, (host, f) => {
      const frame = host.frames.all.allocateLarge(USE.guestPage, host.actor, host.vm);
      f.set(V.hpa, frame << 12, frame >> 20);
    }),
    when('no 2 MBytes lie free in a row', (_, f) => f.hi(V.hpa) < 0, [give('nothing', 0)]),
    line('mmu_notifier_invalidate_range_start(the 2 MBytes)', { writes: ['vm.mmu_notifier'] }, (host, f) => host.notifier.rangeStart(first(host, f), LARGE_FRAMES, host.actor)),
    line('copy the 512 pages into hpa, zeros where there was none yet; free their frames and swap pages',
      { writes: ['memory', 'host.frames', 'host.frame_list', 'host.rmap', 'host.rmap_free', 'host.swap', 'host.swap_map'] },
      (host, f) => gather(host, f)),
    line('PDE = hpa, a large page, in place of the table', { writes: ['memory', 'host.frames', 'host.frame_list', 'host.rmap', 'host.rmap_free'] }, (host, f) => {
      host.frame = host.mapLarge(first(host, f), f.frame(V.hpa)) ? f.frame(V.hpa) : -1;
    }),
    line('mmu_notifier_invalidate_range_end(the 2 MBytes)', { writes: ['vm.mmu_notifier'] }, (host, f) => host.notifier.rangeEnd(first(host, f), LARGE_FRAMES, host.actor)),
    when('host memory is used up by the tables, so that nothing was mapped there', (host) => host.frame < 0, [give('nothing', 0)]),
    give('done', 1),
  ],
};

function gather(host: HostMemoryManager, f: ListingFrame): void {
  for (let i = 0; i < LARGE_FRAMES; i++) {
    const page = first(host, f) + i;
    const to = f.frame(V.hpa) + i;
    const from = host.process.frameOf(page);
    const swapPage = host.process.swapPageOf(page);
    if (from >= 0) {
      host.host.copy(from, to, host.actor);
      host.unmap(page, from, 0);
      host.freeUnlessMapped(from);
    } else if (swapPage !== 0) {
      host.host.readFromSwap(swapPage, to, page, host.actor);
      host.process.unmap(page, 0, host.actor);
      host.host.swap.forget(swapPage);
    } else {
      host.host.writer.zeroFrame(to);
    }
  }
}

function first(host: HostMemoryManager, f: ListingFrame): number {
  return host.largeStart(hvaPageOf(f.lo(V.hva), f.hi(V.hva)));
}
