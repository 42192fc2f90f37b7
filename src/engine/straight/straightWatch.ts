import { KIND } from '../../hardware/events/eventTable';
import type { WatchedBytes } from './accessSieve';
import type { EventBreakpoint } from '../debuggee';

/** What straight code has to mind while others look at where a run comes by. */
export interface StraightWatch {
  /** Instructions that are looked at before they run: straight code ends before each, and it is executed alone. */
  readonly instructions: ReadonlySet<number>;
  /** Whether events may be listened to: then each is told on the machine as it stands right there. */
  readonly isHeard: boolean;
  /** Of the accesses of instructions (`access_done`) those that touch these bytes are wanted: straight code ends before each that may. */
  readonly accesses: 'all' | readonly WatchedBytes[];
}

/** Nobody looks, and nobody listens but to `SINGLE_STEP_KINDS`. */
export const UNWATCHED: StraightWatch = { instructions: new Set(), isHeard: false, accesses: [] };

/** A depth below that of every frame: a run that comes down to it ends at none. */
export const NO_FLOOR = -1;

/** What all of them have to mind together; undefined when one has to look at every step. */
export function joinedWatch(watches: readonly (StraightWatch | undefined)[]): StraightWatch | undefined {
  const instructions = new Set<number>();
  let isHeard = false;
  let accesses: StraightWatch['accesses'] = [];
  for (const watch of watches) {
    if (watch === undefined) return undefined;
    for (const instruction of watch.instructions) instructions.add(instruction);
    isHeard ||= watch.isHeard;
    accesses = accesses === 'all' || watch.accesses === 'all' ? 'all' : [...accesses, ...watch.accesses];
  }
  return { instructions, isHeard, accesses };
}

/** Accesses that these events are about. */
export function accessesWanted(events: readonly Pick<EventBreakpoint, 'kinds' | 'bytes' | 'until'>[]): StraightWatch['accesses'] {
  const wanted: WatchedBytes[] = [];
  for (const { kinds, bytes, until } of events) {
    if (until?.includes(KIND.access_done) === true) return 'all';
    if (!kinds.includes(KIND.access_done)) continue;
    if (bytes === undefined) return 'all';
    wanted.push(bytes);
  }
  return wanted;
}

/** Watches of the same key have the same code. */
export function watchKey({ instructions, isHeard, accesses }: StraightWatch): string {
  const bytes = accesses === 'all' ? accesses : accesses.map(({ address, length, isLinear }) => `${isLinear ? 'linear' : 'any'} ${address}:${length}`).sort().join(' ');
  return [isHeard ? 'heard' : 'unheard', [...instructions].sort((a, b) => a - b).join(' '), bytes].join('; ');
}
