import type { PhysicalMemory } from '../hardware/memory/physicalMemory';
import { IOPM_BYTES, MSRPM_BYTES, msrPermissionBit } from '../hardware/svm/permissionMaps';
import { passedThrough } from './msrBitmap';

/** Host frames of the maps: memory of the host's kernel, below the frames that its allocator gives away. */
const MSRPM_FRAME = 0x12;
const IOPM_FRAME = 0x14;

/** Host-physical addresses of a guest's permission maps, below 4 GBytes. */
export interface PermissionMapAddresses {
  readonly msrpm: number;
  readonly iopm: number;
}

/**
 * Fills the permission maps, which all VMs have alike: every port exits, and every MSR but those that each vCPU has of its own.
 * APM Vol. 2, "I/O Permissions Map", "MSR Permissions Map": 1 exits.
 */
export function makePermissionMaps(memory: PhysicalMemory): PermissionMapAddresses {
  const msrpm = MSRPM_FRAME << 12;
  const iopm = IOPM_FRAME << 12;
  for (let offset = 0; offset < MSRPM_BYTES; offset += 4) memory.store32(msrpm + offset, 0, -1);
  for (let offset = 0; offset < IOPM_BYTES; offset += 4) memory.store32(iopm + offset, 0, -1);
  for (const msr of passedThrough) {
    const bit = msrPermissionBit(msr);
    if (bit === undefined) continue;
    const at = msrpm + (bit >>> 3);
    memory.store8(at, 0, memory.load8(at, 0) & ~(3 << (bit & 7)));
  }
  return { msrpm, iopm };
}
