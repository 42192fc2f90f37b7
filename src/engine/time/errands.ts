import { CPU_AT, KIND, type EventName } from '../../hardware/events/eventTable';
import type { EventBreakpoint, ListingBreakpoint, Place, StatementBreakpoint, Stop } from '../debuggee';

/** Id of the breakpoint that is armed for one motion; no client knows it. */
const ERRAND = -2;

/** A breakpoint that one motion brings along: it ends there as at any other. */
export interface Errand {
  readonly statements: readonly StatementBreakpoint[];
  readonly events: readonly EventBreakpoint[];
  readonly listings: readonly ListingBreakpoint[];
}

const NOTHING: Errand = { statements: [], events: [], listings: [] };
const exitKinds: readonly EventName[] = ['vm_exit'];

/** To a VM exit: of the CPU whose events carry this number, or of any. */
export function toExit(cpu: number | undefined): Errand {
  const matches = (record: Int32Array): boolean => cpu === undefined || record[CPU_AT] === cpu;
  return { ...NOTHING, events: [{ id: ERRAND, kinds: exitKinds.map((kind) => KIND[kind]), matches }] };
}

/** To a place in the program or in a listing. */
export function toPlace(place: Place): Errand {
  return place.kind === 'statement'
    ? { ...NOTHING, statements: [{ id: ERRAND, statement: place.statement }] }
    : { ...NOTHING, listings: [{ id: ERRAND, listing: place.listing, line: place.line }] };
}

/** The stop as it is told: where the motion was to come it is a step, with what happens there. */
export function withoutErrand(stop: Stop): Stop {
  if (!('ids' in stop) || !stop.ids.includes(ERRAND)) return stop;
  const ids = stop.ids.filter((id) => id !== ERRAND);
  if (ids.length > 0) return { ...stop, ids };
  // That a line of a listing is stood at is there to see.
  return stop.kind === 'event' && stop.event.kind !== 'listing_line' ? { kind: 'step', text: `${stop.event.text}.` } : { kind: 'step' };
}
