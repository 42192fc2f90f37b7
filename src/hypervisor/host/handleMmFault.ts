import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { LARGE_FRAMES, USE } from './hostFrames';
import { hvaPageOf, type HostMemoryManager } from './hostMemoryManager';
import { tryToFreePages } from './reclaim';

/** Host frames that are kept free, when there is a swap device to free them with: a page, and the tables above it. */
const LOW_WATERMARK = 4;

const V = { hva: 0, write: 1 } as const;
const P = { hva: 0, hpa: 1, swap_page: 2, old: 3 } as const;

/** The state of the host that a new page changes. */
const NEW_PAGE = ['host.frames', 'host.frame_list', 'host.rmap', 'host.rmap_free', 'memory'] as const;

const doAnonymousPage: ListingProcedure<HostMemoryManager> = {
  name: 'do_anonymous_page',
  purpose: 'First touch of a page: a frame of zeros.',
  values: [{ name: 'hva', kind: 'hva' }, { name: 'hpa', kind: 'hpa' }],
  parameters: 1,
  body: [
    line('hpa = alloc_page(), zeroed', { writes: ['host.frames', 'host.frame_list', 'memory'] }, (host, f) => {
      if (takeFrame(host, f)) host.host.writer.zeroFrame(host.frame);
    }),
    when('host memory is used up', (host) => host.frame < 0, [give('nothing', 0)]),
    line('set the PTE of hva to hpa, making the tables above it where they are missing', { writes: NEW_PAGE }, (host, f) => mapNew(host, f)),
    when('host memory is used up by the tables', (host) => host.frame < 0, [give('nothing', 0)]),
    give('done', 1),
  ],
};

const doHugePage: ListingProcedure<HostMemoryManager> = {
  name: 'do_huge_pmd_anonymous_page',
  purpose: 'First touch of 2 MBytes that a large page may back: 512 frames of zeros in a row.',
  values: [{ name: 'hva', kind: 'hva' }, { name: 'hpa', kind: 'hpa' }],
  parameters: 1,
  body: [
    line('hpa = alloc_pages() of 2 MBytes, zeroed', { writes: ['host.frames', 'host.frame_list', 'memory'] }, (host, f) => {
      host.frame = host.frames.all.allocateLarge(USE.guestPage, host.actor, host.vm);
      if (host.frame < 0) return;
      f.setFrame(P.hpa, host.frame);
      for (let i = 0; i < LARGE_FRAMES; i++) host.host.writer.zeroFrame(host.frame + i);
    }),
    when('no 2 MBytes lie free in a row', (host) => host.frame < 0, [give('nothing', 0)]),
    line('set the PDE of hva to hpa, a large page, making the tables above it where they are missing', { writes: NEW_PAGE }, (host, f) => {
      if (!host.mapLarge(host.largeStart(page(f)), f.frame(P.hpa))) host.frame = -1;
    }),
    when('host memory is used up by the tables', (host) => host.frame < 0, [give('nothing', 0)]),
    give('done', 1),
  ],
};

/** Gives 1, or 0 when host memory is used up. */
export const doSwapPage: ListingProcedure<HostMemoryManager> = {
  name: 'do_swap_page',
  purpose: 'The page is in the swap device: it comes back, into whatever frame is free.',
  values: [{ name: 'hva', kind: 'hva' }, { name: 'hpa', kind: 'hpa' }, { name: 'swap_page', kind: 'number' }],
  parameters: 1,
  body: [
    line('swap_page = what the PTE of hva names', {}, (host, f) => f.set(P.swap_page, host.process.swapPageOf(page(f)), 0)),
    line('hpa = alloc_page()', { writes: ['host.frames', 'host.frame_list'] }, (host, f) => void takeFrame(host, f)),
    when('host memory is used up', (host) => host.frame < 0, [give('nothing', 0)]),
    line('read swap_page into hpa', { writes: ['memory'] }, (host, f) => {
      host.host.readFromSwap(f.lo(P.swap_page), host.frame, page(f), host.actor);
    }),
    line('set the PTE of hva to hpa: it was not present, so no TLB holds anything, and nobody is told', { writes: NEW_PAGE }, (host, f) => mapNew(host, f)),
    line('swap_free(swap_page)', { writes: ['host.swap', 'host.swap_map'] }, (host, f) => host.host.swap.forget(f.lo(P.swap_page))),
    give('done', 1),
  ],
};

const doWpPage: ListingProcedure<HostMemoryManager> = {
  name: 'do_wp_page',
  purpose: 'A write to a page that others have too, or had: copy-on-write. The hypervisor hears of it before the frame changes.',
  values: [{ name: 'hva', kind: 'hva' }, { name: 'hpa', kind: 'hpa' }, { name: 'swap_page', kind: 'number' }, { name: 'old', kind: 'hpa' }],
  parameters: 1,
  body: [
    line('old = what is mapped at hva, read-only', {}, (host, f) => f.setFrame(P.old, host.process.frameOf(page(f)))),
    when('no other page maps old any more', (host, f) => host.host.frames.mapCountOf(f.frame(P.old)) === 1, [
      line('wp_page_reuse: old is this process\'s own, and the PTE of hva gets its W back; nobody need be told of a right more', { writes: ['memory', 'host.frames', 'host.frame_list'] }, (host, f) => {
        host.frame = f.frame(P.old);
        host.host.frames.setOwner(host.frame, host.vm);
        host.process.map(page(f), host.frame, 'rw', host.actor);
      }),
      give('done', 1),
    ]),
    line('hpa = alloc_page()', { writes: ['host.frames', 'host.frame_list'] }, (host, f) => void takeFrame(host, f)),
    when('host memory is used up', (host) => host.frame < 0, [give('nothing', 0)]),
    line('copy old to hpa', { writes: ['memory'] }, (host, f) => host.host.copy(f.frame(P.old), f.frame(P.hpa), host.actor)),
    line('mmu_notifier_invalidate_range_start(hva)', { writes: ['vm.mmu_notifier'] }, (host, f) => host.notifier.rangeStart(page(f), 1, host.actor)),
    line('set the PTE of hva to hpa, with W', { writes: NEW_PAGE }, (host, f) => {
      host.host.rmap.remove(f.frame(P.old), host.vm, page(f));
      host.frame = f.frame(P.hpa);
      host.map(page(f), host.frame, 'rw');
    }),
    line('mmu_notifier_invalidate_range_end(hva)', { writes: ['vm.mmu_notifier'] }, (host, f) => host.notifier.rangeEnd(page(f), 1, host.actor)),
    give('done', 1),
  ],
};

/** Gives 1, or 0 when host memory is used up. */
export const handleMmFault: ListingProcedure<HostMemoryManager> = {
  name: 'handle_mm_fault',
  purpose: 'The host\'s page fault, taken in software: the page is not there, is in the swap device, or may not be written yet.',
  values: [{ name: 'hva', kind: 'hva' }, { name: 'write', kind: 'number' }],
  parameters: 2,
  body: [
    line('host page fault at hva', {}, (host, f) => host.reportFault(page(f), f.lo(V.write))),
    repeat('host frames are short, and try_to_free_pages() frees one', (host) => isShort(host) && host.call(tryToFreePages) === 1, []),
    when('the PTE of hva names a page of the swap device', (host, f) => host.process.swapPageOf(page(f)) !== 0, [
      give('do_swap_page(hva)', (host, f) => host.call(doSwapPage, f.lo(V.hva), f.hi(V.hva))),
    ]),
    when('hva is mapped, so that it is W that is missing', (host, f) => host.process.levelOf(page(f)) !== 0, [
      give('do_wp_page(hva)', (host, f) => host.call(doWpPage, f.lo(V.hva), f.hi(V.hva))),
    ]),
    when('the platform backs with 2M, and nothing of the 2 MBytes around hva is mapped', (host, f) => mayBeLarge(host, f), [
      when('do_huge_pmd_anonymous_page(hva) finds them', (host, f) => host.call(doHugePage, f.lo(V.hva), f.hi(V.hva)) === 1, [give('done', 1)]),
    ]),
    give('do_anonymous_page(hva)', (host, f) => host.call(doAnonymousPage, f.lo(V.hva), f.hi(V.hva))),
  ],
};

/** The procedures of a host page fault. */
export const faultProcedures: readonly ListingProcedure<HostMemoryManager>[] = [
  handleMmFault, doAnonymousPage, doHugePage, doSwapPage, doWpPage,
];

function isShort({ host }: HostMemoryManager): boolean {
  return host.swap.pages > 0 && host.frames.free < LOW_WATERMARK;
}

function mayBeLarge(host: HostMemoryManager, f: ListingFrame): boolean {
  return host.host.backing === '2M' && host.fitsLarge(page(f)) && host.isLargeHole(page(f));
}

function takeFrame(host: HostMemoryManager, f: ListingFrame): boolean {
  host.frame = host.allocate();
  if (host.frame < 0) return false;
  f.setFrame(P.hpa, host.frame);
  return true;
}

/** Without a frame for the tables the page's own goes back too. */
function mapNew(host: HostMemoryManager, f: ListingFrame): void {
  if (host.map(page(f), f.frame(P.hpa), 'rw')) return;
  host.frames.release(f.frame(P.hpa));
  host.frame = -1;
}

function page(f: ListingFrame): number {
  return hvaPageOf(f.lo(0), f.hi(0));
}
