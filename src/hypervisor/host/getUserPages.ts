import { EFFECTS } from '../../hardware/paging/walkOutcome';
import { KIND, ACTOR, field } from '../../hardware/events/eventTable';
import { setPair, type EventBus } from '../../hardware/events/eventBus';
import type { EntryWriter } from '../entryWriter';
import { give, line, when, type ListingProcedure } from '../listing';
import { USE } from './hostFrames';
import type { HostProcess } from './hostProcess';
import type { OwnedFrames } from './ownedFrames';

/** What the host's memory manager works on while it serves one request of a VM's process. */
export interface HostMemoryManager {
  readonly process: HostProcess;
  readonly frames: OwnedFrames;
  readonly writer: EntryWriter;
  readonly bus: EventBus;
  cpu: number;
  /** Guest frame that the page will back: kept beside the host frame. */
  gfn: number;
  /** Host frame found or allocated; -1: none. */
  frame: number;
}

const V = { hva: 0, hpa: 1 } as const;

/** get_user_pages: the frame behind a host-virtual address, allocated at first touch. Gives 1, or 0 when memory is used up. */
export const getUserPages: ListingProcedure<HostMemoryManager> = {
  name: 'get_user_pages',
  purpose: 'The host frame behind a host-virtual address of the VMM process: found in its page table, or allocated now.',
  values: [{ name: 'hva', kind: 'hva' }, { name: 'hpa', kind: 'hpa' }],
  parameters: 1,
  body: [
    line('hpa = walk(host CR3, hva)', {}, (host, frame) => {
      host.frame = host.process.frameOf(hvaPage(frame.lo(V.hva), frame.hi(V.hva)), EFFECTS.hardware);
      if (host.frame >= 0) frame.set(V.hpa, host.frame << 12, host.frame >>> 20);
    }),
    when('nothing is mapped at hva', (host) => host.frame < 0, [
      line('host page fault: first touch of an anonymous page', {}, (host, frame) => reportHostFault(host, frame.lo(V.hva), frame.hi(V.hva))),
      line('hpa = alloc_page(), zeroed', { writes: ['host.frames', 'host.frame_list', 'memory'] }, (host, frame) => {
        host.frame = host.frames.allocate(USE.guestPage, host.gfn, host.cpu);
        if (host.frame < 0) return;
        host.writer.zeroFrame(host.frame);
        frame.set(V.hpa, host.frame << 12, host.frame >>> 20);
      }),
      when('host memory is used up', (host) => host.frame < 0, [give('nothing', 0)]),
      line('set the PTE of hva to hpa, making the tables above it where they are missing',
        { writes: ['host.frames', 'host.frame_list', 'memory'] },
        (host, frame) => {
          if (!host.process.map(hvaPage(frame.lo(V.hva), frame.hi(V.hva)), host.frame, host.cpu)) host.frame = -1;
        }),
      when('host memory is used up by the tables', (host) => host.frame < 0, [give('nothing', 0)]),
    ]),
    give('hpa', 1),
  ],
};

function hvaPage(lo: number, hi: number): number {
  return (hi >>> 0) * 0x100000 + (lo >>> 12);
}

function reportHostFault(host: HostMemoryManager, lo: number, hi: number): void {
  if (!host.bus.on[KIND.host_fault]) return;
  const record = host.bus.begin(KIND.host_fault, ACTOR.host, host.cpu);
  setPair(record, field.hva.at, lo, hi);
  record[field.code.at] = 6; // a write by user mode to a page that is not present
  host.bus.commit();
}

