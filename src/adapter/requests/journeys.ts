import type { Motion, MotionName, Place } from '../../engine/debuggee';
import {
  MOTION_REQUEST, type ExitArguments, type LastWriteArguments, type MomentsResponse, type ReverseStepOutArguments, type ReverseToCursorArguments,
  type SeekArguments,
} from '../../protocol/motionRequests';
import type { Answer } from '../answer';
import { bindSource, type Armed } from '../breakpoints/binding';
import { badArgument, badMemoryReference, cannotInspect, notStopped, unknownThread, type Failure } from '../failures';
import { hostPlaceOf } from '../locations';
import { parseMemoryReference } from '../memoryReference';
import type { Launched, SessionState } from '../sessionState';

const WORD_BYTES = 8;

export function reverseStepOut(state: SessionState, args: ReverseStepOutArguments): Answer<undefined> {
  return travel(state, args.threadId, 'out-back');
}

export function nextExit(state: SessionState, args: ExitArguments): Answer<undefined> {
  return toExit(state, args, MOTION_REQUEST.nextExit, { thread: 'exit', any: 'any-exit' });
}

export function previousExit(state: SessionState, args: ExitArguments): Answer<undefined> {
  return toExit(state, args, MOTION_REQUEST.previousExit, { thread: 'exit-back', any: 'any-exit-back' });
}

/** An address that no memory lies at is refused; memory that nobody has written ends in a stop that says so. */
export function lastWrite(state: SessionState, args: LastWriteArguments): Answer<undefined> {
  const { launched } = state;
  if (launched === undefined) return notStopped(MOTION_REQUEST.lastWrite);
  const { memoryReference: at, bytes = WORD_BYTES, threadId = stoppedThread(state) } = args;
  if (!Number.isInteger(bytes) || bytes < 1) return badArgument(MOTION_REQUEST.lastWrite, 'bytes', 'a number of bytes, 1 or more');
  if (parseMemoryReference(at) === undefined) return badMemoryReference(at);
  const cpu = cpuOf(launched, threadId);
  if (typeof cpu !== 'number') return cpu;
  const place = hostPlaceOf(launched, { at, bytes }, cpu);
  if ('nobody' in place) return cannotInspect(place.nobody);
  return travel(state, threadId, { kind: 'write-back', address: place.address, bytes: place.bytes });
}

export function seek(state: SessionState, { to }: SeekArguments): Answer<undefined> {
  const threadId = stoppedThread(state);
  if (to === 'start' || to === 'end') return travel(state, threadId, to === 'start' ? 'to-start' : 'to-end');
  const moment = momentOf(to);
  if (moment === undefined) {
    return badArgument(MOTION_REQUEST.seek, 'to', '"start", "end", or {"step": N, "event": M}, whole numbers from 0 on');
  }
  return travel(state, threadId, { kind: 'seek', moment });
}

export function reverseToCursor(state: SessionState, args: ReverseToCursorArguments): Answer<undefined> {
  const { launched } = state;
  if (launched === undefined) return notStopped(MOTION_REQUEST.reverseToCursor);
  const { source, line, column } = args;
  const bound = bindSource(state.breakpointTarget(launched), source, { line, ...(column === undefined ? {} : { column }) });
  if (bound.kind === 'unbound') return cannotInspect(sentence(bound.message));
  const place = bound.stops.map(placeOf).find((found) => found !== undefined);
  if (place === undefined) throw new Error('invariant: a line is bound to no place');
  return travel(state, args.threadId, { kind: 'cursor-back', place });
}

export function moments({ launched }: SessionState): Answer<MomentsResponse> {
  if (launched === undefined) return notStopped(MOTION_REQUEST.moments);
  const { debuggee } = launched;
  const { first, latest } = debuggee.history();
  return { present: debuggee.moment(), first, latest, isInThePast: debuggee.isInThePast() };
}

function toExit(state: SessionState, { threadId, of = 'thread' }: ExitArguments, request: string, motions: Readonly<Record<'thread' | 'any', MotionName>>): Answer<undefined> {
  if (!Object.hasOwn(motions, of)) return badArgument(request, 'of', '"thread" or "any"');
  return travel(state, threadId, motions[of]);
}

/** What a breakpoint on a line would stop at. */
function placeOf(armed: Armed): Place | undefined {
  switch (armed.kind) {
    case 'statement': return { kind: 'statement', statement: armed.breakpoint.statement };
    case 'listing': return { kind: 'listing', listing: armed.breakpoint.listing, line: armed.breakpoint.line };
    default: return undefined;
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}

/** No client knows that this request sets the scenario in motion: it is told. */
function travel(state: SessionState, threadId: number, motion: Motion): Failure | undefined {
  const { launched } = state;
  if (launched === undefined) return notStopped('a motion');
  const cpu = cpuOf(launched, threadId);
  if (typeof cpu !== 'number') return cpu;
  // Before the motion: its first slice may end in a stop.
  state.behindAnswer.add(() => { if (state.launched === launched) state.send('continued', { threadId, allThreadsContinued: true }); });
  state.move(motion, cpu);
  return undefined;
}

function cpuOf({ debuggee: { threads } }: Launched, threadId: number): number | Failure {
  return Number.isInteger(threadId) && threadId >= 1 && threadId <= threads.length ? threadId - 1 : unknownThread(threadId, threads.length);
}

function stoppedThread({ stop }: SessionState): number {
  return stop?.body.threadId ?? 1;
}

function momentOf(to: unknown): { readonly step: number; readonly event: number } | undefined {
  if (typeof to !== 'object' || to === null) return undefined;
  const { step, event = 0 } = to as { readonly step?: unknown; readonly event?: unknown };
  return isCount(step) && isCount(event) ? { step, event } : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
