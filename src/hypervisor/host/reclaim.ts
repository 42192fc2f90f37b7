import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { pageHi, pageLo } from '../memslots';
import { USE } from './hostFrames';
import { hvaPageOf, type HostMemoryManager } from './hostMemoryManager';

const P = { hpa: 0, swap_page: 1, hva: 2, vm: 3 } as const;
const T = { hpa: 0 } as const;

/** Gives 1, or 0 when the swap device is full. */
export const pageout: ListingProcedure<HostMemoryManager> = {
  name: 'pageout',
  purpose: 'A guest page goes to the swap device: whoever maps it is told before the frame is given away.',
  values: [{ name: 'hpa', kind: 'hpa' }, { name: 'swap_page', kind: 'number' }, { name: 'hva', kind: 'hva' }, { name: 'vm', kind: 'number' }],
  parameters: 1,
  body: [
    line('swap_page = a free page of the swap device', {}, (host, f) => f.set(P.swap_page, host.host.swap.findFree(), 0)),
    when('it is full', (_, f) => f.lo(P.swap_page) === 0, [give('nothing', 0)]),
    repeat('vm, hva = next page that maps hpa, as its reverse map tells', nextMapping(P), [
      line('mmu_notifier_invalidate_range_start(hva)', { writes: ['vm.mmu_notifier'] }, (host, f) => ownerOf(host, f).notifier.rangeStart(page(f), 1, host.actor)),
      line('PTE of hva = swap_page, not present', { writes: ['memory', 'host.frames', 'host.rmap', 'host.rmap_free', 'host.swap', 'host.swap_map'] }, (host, f) => {
        unmapFor(host, f, f.lo(P.swap_page));
      }),
      line('mmu_notifier_invalidate_range_end(hva)', { writes: ['vm.mmu_notifier'] }, (host, f) => ownerOf(host, f).notifier.rangeEnd(page(f), 1, host.actor)),
    ]),
    line('write hpa to swap_page', { writes: ['memory'] }, (host, f) => host.host.writeToSwap(f.frame(P.hpa), f.lo(P.swap_page), page(f), host.actor)),
    line('free hpa', { writes: ['host.frames', 'host.frame_list'] }, (host, f) => host.freeUnlessMapped(f.frame(P.hpa))),
    give('done', 1),
  ],
};

/** Gives 1, or 0 when there is nothing to free. */
export const tryToFreePages: ListingProcedure<HostMemoryManager> = {
  name: 'try_to_free_pages',
  purpose: 'Direct reclaim: the guest page that the clock hand comes to next gives way. First in, first out, without a second chance.',
  values: [{ name: 'hpa', kind: 'hpa' }],
  parameters: 0,
  body: [
    line('hpa = next frame that backs a guest page of 4 KBytes', { writes: ['host.clock'] }, (host, f) => {
      const frame = nextVictim(host);
      f.set(T.hpa, frame << 12, frame >> 20);
    }),
    when('there is none', (_, f) => f.hi(T.hpa) < 0, [give('nothing', 0)]),
    give('pageout(hpa)', (host, f) => host.call(pageout, f.lo(T.hpa), f.hi(T.hpa))),
  ],
};

/** The clock's hand goes over all frames that were ever given; a large page is left whole. */
function nextVictim({ host }: HostMemoryManager): number {
  const { frames, rmap, clock } = host;
  for (let passed = 0; passed < frames.end; passed++) {
    const frame = clock[0]! % frames.end;
    clock[0] = frame + 1;
    if (frames.useOf(frame) !== USE.guestPage || frames.mapCountOf(frame) === 0) continue;
    const link = rmap.first(frame);
    if (host.managerOf(link).process.levelOf(rmap.hvaPageOf(link)) === 1) return frame;
  }
  return -1;
}

/** Which values of a procedure have the frame, and take the page that maps it. */
interface MappingValues {
  readonly hpa: number;
  readonly hva: number;
  readonly vm: number;
}

/** The test of a loop over the mappings of the frame in value `hpa`, each of which its body takes away. */
export function nextMapping({ hpa, hva, vm }: MappingValues): (host: HostMemoryManager, f: ListingFrame) => boolean {
  return ({ host: { rmap } }: HostMemoryManager, f: ListingFrame): boolean => {
    const link = rmap.first(f.frame(hpa));
    if (link === 0) return false;
    const hvaPage = rmap.hvaPageOf(link);
    f.set(hva, pageLo(hvaPage), pageHi(hvaPage));
    f.set(vm, rmap.vmOf(link), 0);
    return true;
  };
}

function ownerOf({ host, actor }: HostMemoryManager, f: ListingFrame): HostMemoryManager {
  const owner = host.managers[f.lo(P.vm)]!;
  owner.actor = actor;
  return owner;
}

function unmapFor(host: HostMemoryManager, f: ListingFrame, swapPage: number): void {
  const owner = ownerOf(host, f);
  owner.actor = host.actor;
  owner.unmap(page(f), f.frame(P.hpa), swapPage);
}

function page(f: ListingFrame): number {
  return hvaPageOf(f.lo(P.hva), f.hi(P.hva));
}
