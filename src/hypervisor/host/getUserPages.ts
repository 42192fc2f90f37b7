import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import { handleMmFault } from './handleMmFault';
import { hvaPageOf, type HostMemoryManager } from './hostMemoryManager';

const V = { hva: 0, write: 1, hpa: 2, writable: 3 } as const;

/**
 * get_user_pages: the frame behind a host-virtual address, for a read or a write. Gives 1, the frame left in the manager's
 * `frame` and whether a hypervisor's entry may have W in `mapWritable`; or 0 when memory is used up.
 */
export const getUserPages: ListingProcedure<HostMemoryManager> = {
  name: 'get_user_pages',
  purpose: 'The host frame behind a host-virtual address of the VMM process: found in its page table, or brought by a host page fault.',
  values: [{ name: 'hva', kind: 'hva' }, { name: 'write', kind: 'number' }, { name: 'hpa', kind: 'hpa' }, { name: 'writable', kind: 'number' }],
  parameters: 2,
  body: [
    line('hpa = walk(host CR3, hva)', {}, (host, f) => look(host, f)),
    when('nothing is mapped at hva, or nothing that may be written where write is 1', (host) => host.frame < 0, [
      when('handle_mm_fault(hva, write) finds no host memory', (host, f) => (
        host.call(handleMmFault, f.lo(V.hva), f.hi(V.hva), f.lo(V.write), 0) === 0
      ), [give('nothing', 0)]),
      line('hpa = what is mapped at hva by now', {}, (host, f) => {
        host.frame = host.process.frameOf(page(f));
        f.setFrame(V.hpa, host.frame);
      }),
    ]),
    line('writable = W of the host\'s entry: a hypervisor\'s entry must not give more', {}, (host, f) => {
      host.mapWritable = host.process.isWritable(page(f));
      f.set(V.writable, host.mapWritable, 0);
    }),
    give('hpa', 1),
  ],
};

function look(host: HostMemoryManager, f: ListingFrame): void {
  const frame = host.walk(page(f), f.lo(V.write));
  if (frame >= 0) f.setFrame(V.hpa, frame);
}

function page(f: ListingFrame): number {
  return hvaPageOf(f.lo(V.hva), f.hi(V.hva));
}
