import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee, EventView, Motion, Stop } from '../engine/debuggee';
import type { BreakpointStore } from './breakpoints/breakpointStore';
import { parseDataId } from './breakpoints/dataBreakpoint';
import { exceptionFilter } from './breakpoints/exceptionFilters';
import { writtenFunction } from './breakpoints/functionBreakpoint';
import { motionName, motionRow } from './motionRows';
import { valueText } from './valueText';

/** Why the scenario stands: the event for the client, and what `exceptionInfo` tells. */
export interface StopReport {
  readonly body: DebugProtocol.StoppedEvent['body'];
  readonly exception?: {
    /** The filter's id, or the event's kind where something else than a filter stopped there. */
    readonly filter: string;
    readonly event: EventView;
    /** The stop is behind what was done about the event. */
    readonly isOver: boolean;
  };
  /** Why the run cannot go on, when it cannot. */
  readonly death?: string;
}

/** Words of a `stopped` event for every way to stop but the end. */
export function reportStop(
  stop: Exclude<Stop, { readonly kind: 'ended' }> | { readonly kind: 'cancelled' },
  motion: Motion,
  cpu: number,
  debuggee: Debuggee,
  breakpoints: BreakpointStore,
): StopReport {
  const { step } = debuggee.moment();
  const past = debuggee.isInThePast() ? ', in the past' : '';
  const where = `step ${step}${past}`;
  const common = { threadId: cpu + 1, allThreadsStopped: true };
  switch (stop.kind) {
    case 'entry':
      return { body: { ...common, reason: 'entry', description: `Paused at the first statement (${where})` } };
    case 'step': {
      const reason = motionName(motion) === 'frame-start' ? 'restart' : 'step';
      const body: StopReport['body'] = { ...common, reason, description: `${motionRow(motion).arrival} (${where})` };
      if (stop.text !== undefined) body.text = stop.text;
      return { body };
    }
    case 'pause':
      return { body: { ...common, reason: 'pause', description: `Paused by you (${where})` } };
    case 'cancelled':
      return { body: { ...common, reason: 'pause', description: `Cancelled (${where})` } };
    case 'start-of-history': {
      const first = 'This is where the recording starts: there is nothing before it.';
      const text = stop.text === undefined ? first : `${stop.text} ${first}`;
      return { body: { ...common, reason: 'entry', description: `Start of history (${where})`, text } };
    }
    case 'end-of-history':
      return { body: { ...common, reason: 'step', description: `End of history (${where})`, text: stop.text } };
    case 'waits':
      return { body: { ...common, reason: 'step', description: `Waits for others (${where})`, text: stop.text } };
    case 'stayed':
      return { body: { ...common, reason: 'step', description: `Stayed here (${where})`, text: stop.text } };
    case 'breakpoint':
      return { body: { ...common, ...atBreakpoint(stop.ids, breakpoints, where), hitBreakpointIds: [...stop.ids] } };
    case 'condition-error': {
      const text = `The breakpoint's condition cannot be judged: ${stop.message}`;
      const reason = { reason: 'breakpoint', description: `Paused at a breakpoint whose condition fails (${where})` };
      return { body: { ...common, ...reason, text, hitBreakpointIds: [...stop.ids] } };
    }
    case 'died': {
      const body = { ...common, reason: 'exception', description: `${stop.others === 'none' ? 'The run' : `The VM of ${debuggee.threads[stop.cpu] ?? ''}`} cannot go on (${where})`, text: stop.message };
      return { body, death: stop.message };
    }
    case 'change': {
      const { text, old, value, type } = stop.change;
      const { program } = debuggee;
      const said = `${text}: ${valueText(old, type, program)} becomes ${valueText(value, type, program)}`;
      return { body: { ...common, reason: 'data breakpoint', description: `Paused behind a change of ${text} (${where})`, text: said, hitBreakpointIds: [...stop.ids] } };
    }
    case 'event':
      return atEvent(stop, common, breakpoints, where);
  }
}

function atBreakpoint(ids: readonly number[], breakpoints: BreakpointStore, where: string, place = 'at'): { reason: string; description: string } {
  const name = ids.map((id) => breakpoints.functionOf(id)).find((found) => found !== undefined);
  const data = ids.map((id) => breakpoints.dataOf(id)).find((found) => found !== undefined);
  if (name === undefined && data !== undefined) {
    const watch = parseDataId(data);
    // Of a value that is watched only a read is met at a statement.
    const met = 'kind' in watch && watch.kind === 'value' ? `before a read of ${watch.expression}` : 'after an access to watched memory';
    return { reason: 'data breakpoint', description: `Paused ${met} (${where})` };
  }
  if (name === undefined && ids.some((id) => breakpoints.isInstruction(id))) {
    return { reason: 'instruction breakpoint', description: `Paused at an instruction breakpoint (${where})` };
  }
  return name === undefined
    ? { reason: 'breakpoint', description: `Paused at a breakpoint (${where})` }
    : { reason: 'function breakpoint', description: `Paused ${place} ${writtenFunction(name).name} (${where})` };
}

/** An entry that is watched for writes can be written by the walk itself. */
function flagUpdate(event: EventView): string {
  if (event.kind !== 'ad_update') return '';
  return `${event.actor === 'walker' ? 'the processor' : 'the hypervisor'} sets its accessed or dirty flag, `;
}

function atEvent(
  { ids, event, isOver }: Extract<Stop, { readonly kind: 'event' }>,
  common: { readonly threadId: number; readonly allThreadsStopped: boolean },
  breakpoints: BreakpointStore,
  where: string,
): StopReport {
  const hit = { text: event.text, hitBreakpointIds: [...ids] };
  const filter = ids.map((id) => breakpoints.filterOf(id)).find((found) => found !== undefined);
  if (filter !== undefined) {
    const label = exceptionFilter(filter)?.label ?? filter;
    const body = { ...common, ...hit, reason: 'exception', description: `Paused ${isOver === true ? 'behind the handling of' : 'at'} ${label} (${where})` };
    return { body, exception: { filter, event, isOver: isOver === true } };
  }
  const stopped = atBreakpoint(ids, breakpoints, `${flagUpdate(event)}${where}`, isOver === true ? 'behind the handling of' : 'at');
  return { body: { ...common, ...hit, ...stopped }, exception: { filter: event.kind, event, isOver: isOver === true } };
}
