import { sumHi } from './addressSum';
import { BUS_ACCESS } from './busAccess';
import type { PhysicalMemory } from './physicalMemory';

/** Is told when no memory answers at a host-physical address: `ProcessorEvents`. */
export interface BusWatcher {
  busError(memory: PhysicalMemory, lo: number, hi: number, what: number): void;
}

/** Reads the maps in host-physical memory that say which ports and MSRs exit. A map that is nowhere reads as ones. */
export class PermissionBits {
  constructor(private readonly memory: PhysicalMemory, private readonly watcher: BusWatcher) {}

  /** Bit number `bit` of the map that begins at (lo, hi). */
  at(lo: number, hi: number, bit: number): number {
    const byte = bit >>> 3;
    const atLo = lo + byte | 0;
    const atHi = sumHi(lo, hi, byte);
    this.watcher.busError(this.memory, atLo, atHi, BUS_ACCESS.permissionBitmap);
    return (this.memory.load8(atLo, atHi) >>> (bit & 7)) & 1;
  }
}
