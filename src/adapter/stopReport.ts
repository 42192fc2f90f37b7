import type { Debuggee, EventView, Motion, Stop } from '../engine/debuggee';
import type { BreakpointStore } from './breakpoints/breakpointStore';
import { parseDataId } from './breakpoints/dataBreakpoint';
import { exceptionFilter } from './breakpoints/exceptionFilters';
import { writtenFunction } from './breakpoints/functionBreakpoint';
import { motionName, motionRow } from './motionRows';
import { worded, type StoppedBody, type StopWords } from './stopWords';
import { valueText } from './valueText';

/** Why the scenario stands: the event for the client, and what `exceptionInfo` tells. */
export interface StopReport {
  readonly body: StoppedBody;
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
  const where = `step ${step}${debuggee.isInThePast() ? ', in the past' : ''}`;
  const stopped = (reason: string, words: StopWords, ids?: readonly number[]): StoppedBody => ({
    threadId: cpu + 1, allThreadsStopped: true, reason, ...worded(words, where), ...(ids === undefined ? {} : { hitBreakpointIds: [...ids] }),
  });
  switch (stop.kind) {
    case 'entry':
      return { body: stopped('entry', { brief: 'First statement', whole: 'Paused at the first statement' }) };
    case 'step': {
      const { arrival, brief = arrival } = motionRow(motion);
      return { body: stopped(motionName(motion) === 'frame-start' ? 'restart' : 'step', { brief, whole: arrival, more: stop.text }) };
    }
    case 'pause':
      return { body: stopped('pause', { brief: 'Paused', whole: 'Paused by you' }) };
    case 'cancelled':
      return { body: stopped('pause', { brief: 'Cancelled' }) };
    case 'start-of-history': {
      const first = 'This is where the recording starts: there is nothing before it.';
      return { body: stopped('entry', { brief: 'Start of history', more: stop.text === undefined ? first : `${stop.text} ${first}` }) };
    }
    case 'end-of-history':
      return { body: stopped('step', { brief: 'End of history', more: stop.text }) };
    case 'waits':
      return { body: stopped('step', { brief: 'Waits for others', more: stop.text }) };
    case 'stayed':
      return { body: stopped('step', { brief: 'Stayed here', more: stop.text }) };
    case 'breakpoint': {
      const { reason, words } = atBreakpoint(stop.ids, breakpoints);
      return { body: stopped(reason, words, stop.ids) };
    }
    case 'condition-error': {
      const more = `The breakpoint's condition cannot be judged: ${stop.message}`;
      return { body: stopped('breakpoint', { brief: 'Condition fails', whole: 'Paused at a breakpoint whose condition fails', more }, stop.ids) };
    }
    case 'died': {
      const who = stop.others === 'none' ? 'The run' : `The VM of ${debuggee.threads[stop.cpu] ?? ''}`;
      return { body: stopped('exception', { brief: 'Cannot go on', whole: `${who} cannot go on`, more: stop.message }), death: stop.message };
    }
    case 'change': {
      const { text, old, value, type } = stop.change;
      const { program } = debuggee;
      const more = `${text}: ${valueText(old, type, program)} becomes ${valueText(value, type, program)}`;
      return { body: stopped('data breakpoint', { brief: 'Value changed', whole: `Paused behind a change of ${text}`, more }, stop.ids) };
    }
    case 'event': {
      const { event } = stop;
      const isOver = stop.isOver === true;
      const filter = stop.ids.map((id) => breakpoints.filterOf(id)).find((found) => found !== undefined);
      const { reason, words } = filter === undefined ? atBreakpoint(stop.ids, breakpoints, event, isOver) : atFilter(filter, isOver);
      return { body: stopped(reason, { ...words, more: event.text }, stop.ids), exception: { filter: filter ?? event.kind, event, isOver } };
    }
  }
}

/** A stop's DAP reason, and its words. */
interface Named {
  readonly reason: string;
  readonly words: StopWords;
}

const AT_BREAKPOINT = 'At a breakpoint';
const HANDLED = 'Event handled';

/** `event`: what a breakpoint on events has met. */
function atBreakpoint(ids: readonly number[], breakpoints: BreakpointStore, event?: EventView, isOver = false): Named {
  const name = ids.map((id) => breakpoints.functionOf(id)).find((found) => found !== undefined);
  const data = ids.map((id) => breakpoints.dataOf(id)).find((found) => found !== undefined);
  const by = event === undefined ? '' : flagUpdate(event);
  if (name !== undefined) {
    const whole = `Paused ${isOver ? 'behind the handling of' : 'at'} ${writtenFunction(name).name}${by}`;
    return { reason: 'function breakpoint', words: { brief: isOver ? HANDLED : AT_BREAKPOINT, whole } };
  }
  if (data !== undefined) {
    const watch = parseDataId(data);
    // Of a value that is watched only a read is met at a statement.
    const met = 'kind' in watch && watch.kind === 'value' ? `before a read of ${watch.expression}` : 'after an access to watched memory';
    return { reason: 'data breakpoint', words: { brief: 'Data breakpoint', whole: `Paused ${met}${by}` } };
  }
  return ids.some((id) => breakpoints.isInstruction(id))
    ? { reason: 'instruction breakpoint', words: { brief: AT_BREAKPOINT, whole: 'Paused at an instruction breakpoint' } }
    : { reason: 'breakpoint', words: { brief: AT_BREAKPOINT, whole: 'Paused at a breakpoint' } };
}

/** An entry that is watched for writes can be written by the walk itself. */
function flagUpdate(event: EventView): string {
  if (event.kind !== 'ad_update') return '';
  return `, where ${event.actor === 'walker' ? 'the processor' : 'the hypervisor'} sets its accessed or dirty flag`;
}

function atFilter(id: string, isOver: boolean): Named {
  const filter = exceptionFilter(id);
  const label = filter?.label ?? id;
  const words = { brief: isOver ? HANDLED : filter?.brief ?? label, whole: `Paused ${isOver ? 'behind the handling of' : 'at'} ${label}` };
  return { reason: 'exception', words };
}
