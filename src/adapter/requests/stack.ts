import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Frame, Moment } from '../../engine/debuggee';
import { momentAddress } from '../../engine/time/statementSteps';
import type { Answer } from '../answer';
import { unknownThread } from '../failures';
import type { HeldFrame, Launched, SessionState } from '../sessionState';
import { hex } from '../valueText';

/** Thread id is the CPU's number + 1; host threads follow. Answered in every phase: clients ask for threads at any time. */
export function threads(state: SessionState): Answer<DebugProtocol.ThreadsResponse['body']> {
  const names = state.launched?.debuggee.threads ?? [];
  return { threads: names.map((name, thread) => ({ id: thread + 1, name })) };
}

export function stackTrace(
  state: SessionState,
  args: DebugProtocol.StackTraceArguments,
): Answer<DebugProtocol.StackTraceResponse['body']> {
  const { launched } = state;
  const cpus = launched?.debuggee.threads.length ?? 0;
  const cpu = args.threadId - 1;
  if (launched === undefined || !Number.isInteger(cpu) || cpu < 0 || cpu >= cpus) return unknownThread(args.threadId, cpus);
  const held = heldFrames(launched, cpu);
  const from = args.startFrame ?? 0;
  const to = args.levels === undefined || args.levels === 0 ? held.length : from + args.levels;
  return {
    stackFrames: held.slice(from, to).map((frame, at) => {
      const described = describe(state, launched, frame, { below: held[from + at + 1]?.frame, format: args.format });
      const moment = from + at === 0 ? comingMoment(launched, cpu) : undefined;
      if (moment !== undefined) described.instructionPointerReference = hex(momentAddress(moment));
      return described;
    }),
    totalFrames: held.length,
  };
}

/** Where the disassembly has a thread: the present moment of the one whose step is stood in or ahead, of others their next. */
function comingMoment({ debuggee }: Launched, thread: number): Moment | undefined {
  if (debuggee.actor === thread) return debuggee.moment();
  const [next] = debuggee.statementSteps(thread, 1);
  return next === undefined ? undefined : { step: next.step, event: 0 };
}

/** The frame in which an expression without a frame is evaluated: the top one. */
export function topFrame(launched: Launched, cpu: number): HeldFrame | undefined {
  return heldFrames(launched, cpu)[0];
}

/** Frames of a CPU, top first, each with the nearest guest frame at or below it. */
function heldFrames({ debuggee }: Launched, cpu: number): readonly HeldFrame[] {
  const frames = debuggee.frames(cpu);
  const held: HeldFrame[] = [];
  let depth = 0;
  let procedure = debuggee.program.actors[cpu]?.procedure ?? 0;
  let owner = cpu;
  for (let i = frames.length - 1; i >= 0; i--) {
    const frame = frames[i];
    if (frame === undefined) continue;
    if (isGuestFrame(frame)) {
      ({ depth, procedure } = frame);
      owner = frame.cpu ?? cpu;
    }
    held.push({ cpu: owner, frame, depth, procedure });
  }
  return held.reverse();
}

type GuestFrame = Extract<Frame, { kind: 'cpu' | 'procedure' | 'handler' }>;

function isGuestFrame(frame: Frame): frame is GuestFrame {
  return frame.kind === 'cpu' || frame.kind === 'procedure' || frame.kind === 'handler';
}

/** How a client wants a frame. */
interface Wanted {
  /** The frame that it was entered from. */
  readonly below: Frame | undefined;
  readonly format: DebugProtocol.StackFrameFormat | undefined;
}

/** What a frame is called with stands in its scopes; in its name it would leave no room for file and line. */
function describe(state: SessionState, launched: Launched, held: HeldFrame, { below, format }: Wanted): DebugProtocol.StackFrame {
  const id = state.frames.give(held);
  const { frame } = held;
  const { client } = state;
  if (frame.kind === 'listing') return { id, name: `${frame.procedure}${format?.parameters === true ? frame.about : frame.reason}`, ...placeInListing(state, launched, frame) };
  const name = isGuestFrame(frame) ? guestName(launched, frame, held.cpu) : frame.text;
  // Whoever walks in software does so on a line of its listing: there one looks, not at the guest's statement.
  if (frame.kind === 'walk' && below?.kind === 'listing') return { id, name, ...placeInListing(state, launched, below) };
  const range = launched.scenario.program.statements[frame.statement]?.range;
  if (range === undefined) return { id, name, line: client.lineOut(1), column: client.columnOut(1) };
  return {
    id,
    name,
    source: launched.sources.ofFile(range.file, client),
    line: client.lineOut(range.line + 1),
    column: client.columnOut(range.column + 1),
    endLine: client.lineOut(range.endLine + 1),
    endColumn: client.columnOut(range.endColumn + 1),
  };
}

function placeInListing({ client }: SessionState, { sources }: Launched, frame: Extract<Frame, { kind: 'listing' }>): Pick<DebugProtocol.StackFrame, 'source' | 'line' | 'column'> {
  return { source: sources.ofListing(frame.listing, client), line: client.lineOut(frame.line), column: client.columnOut(1) };
}

function guestName({ scenario, debuggee }: Launched, frame: GuestFrame, cpu: number): string {
  if (frame.kind === 'cpu') return debuggee.threads[cpu] ?? `cpu ${cpu}`;
  return scenario.program.procedures[frame.procedure]?.name ?? frame.kind;
}
