import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { pageHi, pageLo } from '../memslots';
import { hvaPageOf, type HostMemoryManager } from './hostMemoryManager';

const V = { hpa: 0, fresh: 1, link: 2, hva: 3, vm: 4, writable: 5 } as const;

/** Gives 1, or 0 when no frame is left. */
export const migratePage: ListingProcedure<HostMemoryManager> = {
  name: 'migrate_page',
  purpose: 'A page\'s contents move to another frame (compaction, NUMA balancing): while they move, nothing maps the page.',
  values: [
    { name: 'hpa', kind: 'hpa' }, { name: 'fresh', kind: 'hpa' }, { name: 'link', kind: 'number' }, { name: 'hva', kind: 'hva' },
    { name: 'vm', kind: 'number' }, { name: 'writable', kind: 'number' },
  ],
  parameters: 1,
  body: [
    line('fresh = alloc_page()', { writes: ['host.frames', 'host.frame_list'] }, (host, f) => {
      const frame = host.allocate();
      f.set(V.fresh, frame << 12, frame >> 20);
    }),
    when('host memory is used up', (_, f) => f.hi(V.fresh) < 0, [give('nothing', 0)]),
    line('link = 0', {}, (_, f) => f.set(V.link, 0, 0)),
    repeat('vm, hva = next page that maps hpa, as its reverse map tells', (host, f) => nextLink(host, f), [
      line('mmu_notifier_invalidate_range_start(hva)', { writes: ['vm.mmu_notifier'] }, (host, f) => owner(host, f).notifier.rangeStart(page(f), 1, host.actor)),
      line('writable = W of the PTE of hva; it is not present while the page moves', { writes: ['memory'] }, (host, f) => {
        f.set(V.writable, owner(host, f).process.isWritable(page(f)), 0);
        owner(host, f).process.unmap(page(f), 0, host.actor);
      }),
      line('mmu_notifier_invalidate_range_end(hva)', { writes: ['vm.mmu_notifier'] }, (host, f) => owner(host, f).notifier.rangeEnd(page(f), 1, host.actor)),
    ]),
    line('copy hpa to fresh', { writes: ['memory'] }, (host, f) => host.host.copy(f.frame(V.hpa), f.frame(V.fresh), host.actor)),
    repeat('vm, hva = next page that mapped hpa', (host, f) => firstLink(host, f), [
      line('PTE of hva = fresh, with W as before', { writes: ['memory', 'host.frames', 'host.rmap', 'host.rmap_free'] }, (host, f) => {
        host.host.rmap.remove(f.frame(V.hpa), f.lo(V.vm), page(f));
        owner(host, f).map(page(f), f.frame(V.fresh), f.lo(V.writable) === 1 ? 'rw' : 'ro');
      }),
    ]),
    line('free hpa', { writes: ['host.frames', 'host.frame_list'] }, (host, f) => host.freeUnlessMapped(f.frame(V.hpa))),
    give('done', 1),
  ],
};

function nextLink(host: HostMemoryManager, f: ListingFrame): boolean {
  const { rmap } = host.host;
  return at(host, f, f.lo(V.link) === 0 ? rmap.first(f.frame(V.hpa)) : rmap.next(f.lo(V.link)));
}

function firstLink(host: HostMemoryManager, f: ListingFrame): boolean {
  return at(host, f, host.host.rmap.first(f.frame(V.hpa)));
}

function at({ host: { rmap } }: HostMemoryManager, f: ListingFrame, link: number): boolean {
  f.set(V.link, link, 0);
  if (link === 0) return false;
  const hvaPage = rmap.hvaPageOf(link);
  f.set(V.hva, pageLo(hvaPage), pageHi(hvaPage));
  f.set(V.vm, rmap.vmOf(link), 0);
  return true;
}

function owner(host: HostMemoryManager, f: ListingFrame): HostMemoryManager {
  const found = host.host.managers[f.lo(V.vm)]!;
  found.actor = host.actor;
  return found;
}

function page(f: ListingFrame): number {
  return hvaPageOf(f.lo(V.hva), f.hi(V.hva));
}
