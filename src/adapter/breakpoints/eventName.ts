import { KIND, eventKinds, field } from '../../hardware/events/eventTable';
import { exitReasons } from '../../hardware/vmx/exitReasons';
import type { EventBreakpoint } from '../../engine/debuggee';
import { exceptionFilter, exceptionFilters, wantedBy, type ExceptionMode } from './exceptionFilters';

/** Events that a name stands for; `isOfAnotherCpu`: only what one CPU does to another. */
export type NamedEvents = Pick<EventBreakpoint, 'kinds' | 'matches' | 'until'> & { readonly isOfAnotherCpu?: true };

const EXIT_PREFIX = 'exit:';

/**
 * What a name of events stands for: an exception filter's id (`cr3-write`), an event kind (`tlb_fill`), `exit:` with an exit
 * reason by name or number. Undefined: it is no such name. An error is a sentence.
 */
export function eventsNamed(name: string, mode: ExceptionMode): NamedEvents | { readonly error: string } | undefined {
  const filter = exceptionFilter(name);
  if (filter !== undefined) return wantedBy(filter, mode) ?? { error: noAfter(filter.label) };
  if (name.startsWith(EXIT_PREFIX)) return exitsFor(name.slice(EXIT_PREFIX.length), mode);
  if (!isEventName(name)) return undefined;
  return { kinds: [KIND[name]], matches: () => true, ...(mode === 'after' ? { until: [] } : {}) };
}

/** Every name of events that there is. */
export const eventNames: readonly string[] = [
  ...eventKinds.map((kind) => kind.name), ...exceptionFilters.map((filter) => filter.id), ...exitReasons.map(({ key }) => `${EXIT_PREFIX}${key}`),
];

export function noAfter(label: string): string {
  return `Nothing handles "${label}", so there is no moment after that: stop before it.`;
}

function exitsFor(text: string, mode: ExceptionMode): NamedEvents | undefined {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : exitReasons.find(({ key }) => key === text)?.number;
  const filter = exceptionFilter('vm-exit');
  const exits = filter === undefined ? undefined : wantedBy(filter, mode);
  if (number === undefined || exits === undefined) return undefined;
  return { ...exits, matches: (record) => record[field.reason.at] === number };
}

function isEventName(name: string): name is keyof typeof KIND {
  return Object.hasOwn(KIND, name);
}
