import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Motion } from '../../engine/debuggee';
import type { Answer } from '../answer';
import { staleFrame, staleTarget, unknownThread, type Failure } from '../failures';
import type { SessionState } from '../sessionState';

interface StepArguments {
  readonly threadId: number;
  readonly granularity?: DebugProtocol.SteppingGranularity;
  /** Forward: only this thread runs, the others stand. Back in time they have all run as they have. */
  readonly singleThread?: boolean;
}

export function resume(state: SessionState, args: StepArguments): Answer<{ allThreadsContinued: boolean }> {
  return begin(state, args, 'continue') ?? { allThreadsContinued: args.singleThread !== true };
}

export function reverseContinue(state: SessionState, args: StepArguments): Answer<undefined> {
  return begin(state, args, 'reverse-continue');
}

/** With granularity `instruction` every step is one event, as the design of the adapter says. */
export function next(state: SessionState, args: StepArguments): Answer<undefined> {
  return begin(state, args, args.granularity === 'instruction' ? 'event' : 'over');
}

export function stepIn(state: SessionState, args: StepArguments & { readonly targetId?: number }): Answer<undefined> {
  if (args.targetId !== undefined) {
    const moment = state.stepTargets.find(args.targetId);
    return moment === undefined ? staleTarget(args.targetId) : begin(state, args, { kind: 'into', moment });
  }
  return begin(state, args, args.granularity === 'instruction' ? 'event' : 'in');
}

export function stepOut(state: SessionState, args: StepArguments): Answer<undefined> {
  return begin(state, args, 'out');
}

export function stepBack(state: SessionState, args: StepArguments): Answer<undefined> {
  return begin(state, args, args.granularity === 'instruction' ? 'event-back' : 'over-back');
}

/** The `stopped` event follows by itself, within a slice. */
export function pause(state: SessionState): Answer<undefined> {
  state.pause();
  return undefined;
}

/** Into what the top frame can be stepped: known by looking ahead. Frames below it wait for it, and have nothing ahead. */
export function stepInTargets(state: SessionState, args: DebugProtocol.StepInTargetsArguments): Answer<DebugProtocol.StepInTargetsResponse['body']> {
  const held = state.frames.find(args.frameId);
  if (state.launched === undefined || held === undefined) return staleFrame(args.frameId);
  const { debuggee } = state.launched;
  const [top] = debuggee.frames(held.cpu);
  if (top?.key !== held.frame.key) return { targets: [] };
  return { targets: debuggee.stepTargets(held.cpu).map(({ label, moment }) => ({ id: state.stepTargets.give(moment), label })) };
}

/** What is over is not cancelled, and that is no failure: it may have ended while the client asked. */
export function cancel(state: SessionState, args: DebugProtocol.CancelArguments): Answer<undefined> {
  state.cancel(args);
  return undefined;
}

function begin(state: SessionState, { threadId, singleThread }: StepArguments, motion: Motion): Failure | undefined {
  const cpus = state.launched?.debuggee.threads.length ?? 0;
  if (!Number.isInteger(threadId) || threadId < 1 || threadId > cpus) return unknownThread(threadId, cpus);
  state.move(motion, threadId - 1, singleThread === true ? 'alone' : 'all');
  return undefined;
}
