import { eventKinds } from '../../hardware/events/eventTable';
import { exitReasons } from '../../hardware/vmx/exitReasons';
import { BREAKPOINT_REQUEST, type BreakpointName, type BreakpointNamesResponse } from '../../protocol/breakpointRequests';
import type { Answer } from '../answer';
import { eventsNamed, neverUnder } from '../breakpoints/eventName';
import { exceptionFilters } from '../breakpoints/exceptionFilters';
import { notStopped } from '../failures';
import type { SessionState } from '../sessionState';

/** Every name that a function breakpoint can have in the launched scenario. */
export function breakpointNames(state: SessionState): Answer<BreakpointNamesResponse> {
  const { launched } = state;
  if (launched === undefined) return notStopped(BREAKPOINT_REQUEST.names);
  const { debuggee: { technique }, scenario: { program } } = launched;
  const classes = exceptionFilters.filter((filter) => neverUnder(filter, technique) === undefined)
    .map(({ id, label, description, example }): BreakpointName => ({ name: id, kind: 'class of events', description: `${label}: ${description}`, example }));
  const exits = exitReasons.map(({ key, name }): BreakpointName => ({ name: `exit:${key}`, kind: 'VM exit', description: name }))
    .filter(({ name }) => {
      const events = eventsNamed(name, 'before');
      return events !== undefined && !('error' in events) && (events.filter === undefined || neverUnder(events.filter, technique) === undefined);
    });
  const procedures = [...new Map(program.procedures.map(({ name, documentation }) => [name, documentation])).entries()]
    .map(([name, documentation]): BreakpointName => ({ name, kind: 'procedure', description: documentation.split('\n')[0] ?? '' }));
  // Of an event that has not happened the fields are told by their names: `EPT violation at ‹gpa›`.
  const events = eventKinds.map(({ name, text }): BreakpointName => ({ name, kind: 'event', description: text.replace(/\{(\w+)\}/g, '‹$1›') }));
  return { names: [...classes, ...exits, ...procedures, ...events] };
}
