import type { HostActionPerformer } from './hostActions';
import type { HostCall } from './hostCall';
import { HOST_REFUSAL } from './hostRefusals';

const PAGE_BYTES = 4096;

/** What the host's memory manager does: none of it, but the balloon, is anything that a guest could tell. */
export const memoryActions: readonly HostActionPerformer[] = [
  { name: 'invalidate', runs: 'transparent', act: invalidate },
];

function invalidate(call: HostCall): number {
  const place = call.place(0);
  if (place === undefined) return call.refusal;
  const size = call.value(1);
  if (size === 0 || size % PAGE_BYTES !== 0) return call.refuse(HOST_REFUSAL.notWholePages, call.valueLo(1), call.valueHi(1));
  const notifier = place.technique.vm?.notifier;
  notifier?.rangeStart(place.hvaPage, size / PAGE_BYTES, call.actor);
  notifier?.rangeEnd(place.hvaPage, size / PAGE_BYTES, call.actor);
  return 0;
}
