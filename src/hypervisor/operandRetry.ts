import { RESUME } from '../hardware/processor/rootMode';
import { give, line, when, type ListingNode } from './listing';
import type { SlotMemory } from './slotMemory';

/** A hypervisor that finds the pages of an operand one after the other. */
interface PageFinder {
  readonly memory: SlotMemory;
}

/** Before the first page of an operand is asked for. `value`: number of the procedure's value mmu_seq. */
export function readSequence<V extends PageFinder>(value: number): ListingNode<V> {
  return line({ layered: 'mmu_seq = mmu_invalidate_seq', direct: '' }, {}, ({ memory: { notifier } }, f) => f.set(value, notifier.sequence, 0));
}

/** Behind the last: get_user_pages for one may have had the host take back the frame of another. */
export function retryIfChanged<V extends PageFinder>(value: number): ListingNode<V> {
  return when({ layered: 'mmu_invalidate_retry(mmu_seq): the host has taken back or changed a page that was found', direct: '' }, ({ memory: { notifier } }, f) => notifier.mustRetry(f.lo(value)), [
    give('to the guest: the access runs again, and comes here again', RESUME.retry),
  ]);
}
