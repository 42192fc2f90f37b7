import { line, type ListingFrame, type ListingProcedure } from '../listing';
import { LARGE_FRAMES } from './hostFrames';
import { hvaPageOf, type HostMemoryManager } from './hostMemoryManager';

const V = { hva: 0, pages: 1 } as const;

/** What `madvise(MADV_DONTNEED)` comes to: the VMM process gives pages back that its guest's balloon driver has named. */
export const zapPageRange: ListingProcedure<HostMemoryManager> = {
  name: 'zap_page_range',
  purpose: 'The VMM process needs these pages no more (a balloon in the guest has them): their frames are free, their contents gone.',
  values: [{ name: 'hva', kind: 'hva' }, { name: 'pages', kind: 'number' }],
  parameters: 2,
  body: [
    line('mmu_notifier_invalidate_range_start(hva, pages)', { writes: ['vm.mmu_notifier'] }, (host, f) => host.notifier.rangeStart(page(f), f.lo(V.pages), host.actor)),
    line('clear their PTEs, free their frames and swap pages',
      { writes: ['memory', 'host.frames', 'host.frame_list', 'host.rmap', 'host.rmap_free', 'host.swap', 'host.swap_map'] },
      (host, f) => zap(host, f)),
    line('mmu_notifier_invalidate_range_end(hva, pages)', { writes: ['vm.mmu_notifier'] }, (host, f) => host.notifier.rangeEnd(page(f), f.lo(V.pages), host.actor)),
  ],
};

/** The same without a change: whatever maps the pages is to be made anew. */
export const invalidateRange: ListingProcedure<HostMemoryManager> = {
  name: 'invalidate_range',
  purpose: 'The MMU notifiers alone: hypervisors forget what they made of these pages, and ask again at the next access.',
  values: [{ name: 'hva', kind: 'hva' }, { name: 'pages', kind: 'number' }],
  parameters: 2,
  body: [
    line('mmu_notifier_invalidate_range_start(hva, pages)', { writes: ['vm.mmu_notifier'] }, (host, f) => host.notifier.rangeStart(page(f), f.lo(V.pages), host.actor)),
    line('mmu_notifier_invalidate_range_end(hva, pages)', { writes: ['vm.mmu_notifier'] }, (host, f) => host.notifier.rangeEnd(page(f), f.lo(V.pages), host.actor)),
  ],
};

/** A large page lies within the range whole: one of which only a part is meant has been split before. */
function zap(host: HostMemoryManager, f: ListingFrame): void {
  for (let at = page(f); at < page(f) + f.lo(V.pages); at++) {
    const frame = host.process.frameOf(at);
    const swapPage = host.process.swapPageOf(at);
    if (host.process.levelOf(at) === 2) {
      host.freeLarge(at, frame);
      at += LARGE_FRAMES - 1;
    } else if (frame >= 0) {
      host.unmap(at, frame, 0);
      host.freeUnlessMapped(frame);
    } else if (swapPage !== 0) {
      host.process.unmap(at, 0, host.actor);
      host.host.swap.forget(swapPage);
    }
  }
}

function page(f: ListingFrame): number {
  return hvaPageOf(f.lo(V.hva), f.hi(V.hva));
}
