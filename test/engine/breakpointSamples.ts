import type { EventBreakpoint } from '../../src/engine/debuggee';
import { KIND, type EventName } from '../../src/hardware/events/eventTable';

/** Adds in a loop and stores each sum. */
export const LOOP = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  sum = 0
  for n in 0 .. 6 {
    sum += n
    user [0x600000] = sum
  }
  done = sum
}
`;

/** A breakpoint on every event of a kind. */
export function at(kind: EventName, id: number, more: Partial<EventBreakpoint> = {}): EventBreakpoint {
  return { id, kinds: [KIND[kind]], matches: () => true, ...more };
}
