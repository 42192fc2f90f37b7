import type { SlotKeeper, SlotRefusal } from '../../hypervisor/slotKeeper';
import type { HostActionPerformer } from './hostActions';
import type { HostCall } from './hostCall';
import { HOST_REFUSAL, type HostRefusalName } from './hostRefusals';

const PAGE_BYTES = 4096;
/** As far as a slot of the settings reaches. */
const MOST_BYTES = 64 * 1024 ** 3;

/** What the VMM process asks of the hypervisor about memory slots. */
export const slotActions: readonly HostActionPerformer[] = [
  { name: 'add_slot', runs: 'hosted', act: addSlot },
  { name: 'move_slot', runs: 'hosted', act: moveSlot },
  { name: 'remove_slot', runs: 'hosted', act: removeSlot },
  { name: 'log_dirty', runs: 'everywhere', act: logDirty },
  { name: 'get_dirty_log', runs: 'everywhere', act: getDirtyLog },
  { name: 'set_epte', runs: 'hosted', act: setEpte },
];

function addSlot(call: HostCall): number {
  const { vm, id } = call.slot(0);
  const refusal = refusedPlace(call, call.value(2));
  if (refusal !== undefined) return refusal;
  const hosted = call.techniqueOf(vm).vm;
  if (hosted === undefined) return call.refuse(HOST_REFUSAL.nestedGuest, 0, 0);
  const { slotKeeper } = hosted;
  return told(call, slotKeeper, slotKeeper.add(id, call.value(1) / PAGE_BYTES, call.value(2) / PAGE_BYTES, call.actor));
}

function moveSlot(call: HostCall): number {
  const { vm, id } = call.slot(0);
  const hosted = call.techniqueOf(vm).vm;
  if (hosted === undefined) return call.refuse(HOST_REFUSAL.nestedGuest, 0, 0);
  const { slotKeeper, slots } = hosted;
  const slot = slots.withId(id);
  if (slot < 0) return call.refuse(HOST_REFUSAL.noSuchSlot, 0, 0);
  const refusal = refusedPlace(call, slots.pages(slot) * PAGE_BYTES);
  return refusal ?? told(call, slotKeeper, slotKeeper.move(slot, call.value(1) / PAGE_BYTES, call.actor));
}

function removeSlot(call: HostCall): number {
  const { vm, id } = call.slot(0);
  const hosted = call.techniqueOf(vm).vm;
  if (hosted === undefined) return call.refuse(HOST_REFUSAL.nestedGuest, 0, 0);
  const { slotKeeper, slots } = hosted;
  const slot = slots.withId(id);
  if (slot < 0) return call.refuse(HOST_REFUSAL.noSuchSlot, 0, 0);
  slotKeeper.remove(slot, call.actor);
  return 0;
}

function logDirty(call: HostCall): number {
  const { vm, id } = call.slot(0);
  const isThere = call.techniqueOf(vm).dirtyLogging.logDirty(id, call.value(1) === 0 ? 'off' : 'on', call.actor);
  return isThere ? 0 : call.refuse(HOST_REFUSAL.noSuchSlot, 0, 0);
}

function getDirtyLog(call: HostCall): number {
  const { vm, id } = call.slot(0);
  const dirty = call.techniqueOf(vm).dirtyLogging.getDirtyLog(id, call.actor);
  if (dirty === undefined) return call.refuse(HOST_REFUSAL.noSuchSlot, 0, 0);
  call.emptyTable(1);
  for (const gfn of dirty) call.putIntoTable(1, gfn << 12, gfn >>> 20, 1, 0);
  call.giveTable(1);
  return 0;
}

function setEpte(call: HostCall): number {
  const place = call.place(0);
  if (place === undefined) return call.refusal;
  const outcome = place.technique.setEpte?.(place.gfn, call.valueLo(1), call.valueHi(1), call.actor) ?? 'no host frame';
  if (outcome === 'written') return 0;
  return call.refuseFrame(outcome === 'large page' ? HOST_REFUSAL.largeEpte : HOST_REFUSAL.hostMemory, place.gfn);
}

/** Why a slot of `bytes` bytes cannot begin where operand 1 says, whatever else is there; undefined when it can. */
function refusedPlace(call: HostCall, bytes: number): number | undefined {
  const gpa = call.value(1);
  if (gpa % PAGE_BYTES !== 0) return call.refuse(HOST_REFUSAL.slotMisaligned, call.valueLo(1), call.valueHi(1));
  if (bytes === 0 || bytes % PAGE_BYTES !== 0) return call.refuse(HOST_REFUSAL.notWholePages, bytes | 0, Math.floor(bytes / 4294967296));
  const end = gpa + bytes;
  return end > MOST_BYTES ? call.refuse(HOST_REFUSAL.slotBeyond, end | 0, Math.floor(end / 4294967296)) : undefined;
}

function told(call: HostCall, keeper: SlotKeeper, refusal: SlotRefusal | undefined): number {
  if (refusal === undefined) return 0;
  const names: Readonly<Record<SlotRefusal, HostRefusalName>> = { exists: 'slotExists', 'no memory': 'noFramesForSlot', overlaps: 'slotOverlaps', 'no room': 'noRoomForSlot' };
  return call.refuseFrame(HOST_REFUSAL[names[refusal]], keeper.overlapGfn);
}
