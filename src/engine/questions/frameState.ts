import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import { USE } from '../../hypervisor/host/hostFrames';
import { frameStateNumber, type FrameState } from '../../language/frameStates';
import { guestTablePages } from './guestTablePages';
import type { RunningVm } from '../machine/runningVm';

/** By the host's use of a frame. */
const byUse: ReadonlyMap<number, FrameState> = new Map([
  [USE.free, 'free'], [USE.hostTable, 'host_table'], [USE.shadowTable, 'shadow_table'], [USE.eptTable, 'ept_table'],
]);

/** What host frame `frame` is used for, a number of `frameStateRows`: of guests' memory whether it holds a table that some CR3 leads to. */
export function frameStateOf(memory: PhysicalMemory, vms: readonly RunningVm[], frame: number): number {
  return frameStateNumber(stateOf(memory, vms, frame));
}

function stateOf(memory: PhysicalMemory, vms: readonly RunningVm[], frame: number): FrameState {
  for (const { technique, processors } of vms) {
    const gfn = technique.guestMemory.gfnOf(frame);
    if (gfn < 0) continue;
    return processors.some(({ cpu }) => guestTablePages(memory, technique, cpu).has(gfn)) ? 'guest_table' : 'guest_memory';
  }
  const host = vms.find(({ technique }) => technique.vm !== undefined)?.technique.vm?.host;
  return host === undefined ? 'other' : byUse.get(host.frames.useOf(frame)) ?? 'other';
}
