import type { PhysicalMemory } from '../memory/physicalMemory';
import { type EventBus, setPair } from './eventBus';
import { ACTOR, field, KIND } from './eventTable';

/**
 * Tells that no memory answers at a host-physical address, if none does: the bytes read as ones, and a write is dropped, as on
 * a bus without a device. `what`: a `BUS_ACCESS`.
 */
export function reportBusError(memory: PhysicalMemory, bus: EventBus, cpu: number, lo: number, hi: number, what: number): void {
  if (bus.on[KIND.bus_error] === 0 || memory.isInstalled(lo, hi)) return;
  const record = bus.begin(KIND.bus_error, ACTOR.device, cpu);
  setPair(record, field.hpa.at, lo, hi);
  record[field.what.at] = what;
  bus.commit();
}
