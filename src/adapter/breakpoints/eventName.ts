import { KIND, eventKinds, field } from '../../hardware/events/eventTable';
import { exitReasonOf, exitReasons } from '../../hardware/vmx/exitReasons';
import type { EventBreakpoint } from '../../engine/debuggee';
import { exceptionFilter, exceptionFilters, wantedBy, type ExceptionFilter, type ExceptionMode } from './exceptionFilters';

/** Events that a name stands for; `isOfAnotherCpu`: only what one CPU does to another. */
export type NamedEvents = Pick<EventBreakpoint, 'kinds' | 'matches' | 'until'> & {
  readonly isOfAnotherCpu?: true;
  /** The filter whose events they are among. */
  readonly filter?: ExceptionFilter;
};

const EXIT_PREFIX = 'exit:';

/**
 * What a name of events stands for: an exception filter's id (`cr3-write`), an event kind (`tlb_fill`), `exit:` with an exit
 * reason by name or number. Undefined: it is no such name. An error is a sentence.
 */
export function eventsNamed(name: string, mode: ExceptionMode): NamedEvents | { readonly error: string } | undefined {
  const filter = exceptionFilter(name);
  if (filter !== undefined) {
    const wanted = wantedBy(filter, mode);
    return wanted === undefined ? { error: noAfter(filter.label) } : { ...wanted, filter };
  }
  if (name.startsWith(EXIT_PREFIX)) return exitsFor(name.slice(EXIT_PREFIX.length), mode);
  if (!isEventName(name)) return undefined;
  return { kinds: [KIND[name]], matches: () => true, ...(mode === 'after' ? { until: [] } : {}) };
}

/** Every name of events that there is. */
export const eventNames: readonly string[] = [
  ...eventKinds.map((kind) => kind.name), ...exceptionFilters.map((filter) => filter.id), ...exitReasons.map(({ key }) => `${EXIT_PREFIX}${key}`),
];

/** Why a filter's events never happen under a technique; undefined: they may. */
export function neverUnder({ label, neverUnder: techniques }: ExceptionFilter, technique: string): string | undefined {
  if (!technique.split(', ').every((each) => techniques.includes(each))) return undefined;
  return `"${label}" never happens under ${technique}: run the scenario under another technique to stop there.`;
}

export function noAfter(label: string): string {
  return `Nothing handles "${label}", so there is no moment after that: stop before it.`;
}

function exitsFor(text: string, mode: ExceptionMode): NamedEvents | undefined {
  const row = /^\d{1,5}$/.test(text) ? exitReasonOf(Number(text)) : exitReasons.find(({ key }) => key === text);
  const filter = exceptionFilter('vm-exit');
  const exits = filter === undefined ? undefined : wantedBy(filter, mode);
  if (row === undefined || exits === undefined) return undefined;
  // Exits of their own filter happen where its events do.
  const own = exceptionFilter(row.key.replaceAll('_', '-')) ?? filter;
  return { ...exits, ...(own === undefined ? {} : { filter: own }), matches: (record) => record[field.reason.at] === row.number };
}

function isEventName(name: string): name is keyof typeof KIND {
  return Object.hasOwn(KIND, name);
}
