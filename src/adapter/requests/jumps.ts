import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { statementsOnLines } from '../breakpoints/statementAtLine';
import { commitEdit } from '../editing';
import { cannotEdit, Failure, notStopped, staleFrame, staleTarget, unknownSource, unknownThread } from '../failures';
import type { SessionState } from '../sessionState';
import { worded } from '../stopWords';

/** Statements that start on a line, to each of which a thread may be asked to jump. */
export function gotoTargets(state: SessionState, args: DebugProtocol.GotoTargetsArguments): Answer<DebugProtocol.GotoTargetsResponse['body']> {
  const { launched, client } = state;
  if (launched === undefined) return notStopped('gotoTargets');
  const source = launched.sources.find(args.source);
  if (source === undefined) return unknownSource(args.source);
  if (source.kind === 'listing') return cannotEdit('A line of a listing shows what the hypervisor does, and cannot be jumped to: jump in the guest\'s program.');
  const { program } = launched.scenario;
  const line = client.lineIn(args.line) - 1;
  const column = args.column === undefined ? undefined : client.columnIn(args.column) - 1;
  const onLine = statementsOnLines(program, source.file, line, line);
  const last = onLine.filter(({ range }) => column !== undefined && range.column <= column).at(-1);
  const targets = (last === undefined ? onLine : [last]).map((statement): DebugProtocol.GotoTarget => {
    const { range } = statement;
    return {
      id: state.jumpTargets.give(program.statements.indexOf(statement)),
      label: (program.files[range.file]?.text.split('\n')[range.line] ?? '').slice(range.column, range.endLine === range.line ? range.endColumn : undefined).trim(),
      line: client.lineOut(range.line + 1), column: client.columnOut(range.column + 1),
      endLine: client.lineOut(range.endLine + 1), endColumn: client.columnOut(range.endColumn + 1),
    };
  });
  return { targets };
}

/** Has a thread go on at another statement of its procedure: an edit, as any other. */
export function goto(state: SessionState, args: DebugProtocol.GotoArguments): Answer<undefined> {
  const { launched } = state;
  if (launched === undefined) return notStopped('goto');
  const { threads } = launched.debuggee;
  const actor = args.threadId - 1;
  if (threads[actor] === undefined) return unknownThread(args.threadId, threads.length);
  const statement = state.jumpTargets.find(args.targetId);
  if (statement === undefined) return staleTarget(args.targetId);
  const refusal = launched.debuggee.whyNoJump(actor, statement);
  if (refusal !== undefined) return cannotEdit(refusal);
  const failure = commitEdit(state, launched, { kind: 'jump', actor, statement });
  if (failure instanceof Failure) return failure;
  state.standAnew({ threadId: args.threadId, allThreadsStopped: true, reason: 'goto', ...worded({ brief: 'Jumped here' }, `step ${launched.debuggee.moment().step}`) });
  return undefined;
}

/** Back to where a frame of the call stack began: a procedure, a handler, a walk, a line of the hypervisor's. Nothing is edited. */
export function restartFrame(state: SessionState, args: DebugProtocol.RestartFrameArguments): Answer<undefined> {
  const held = state.frames.find(args.frameId);
  if (state.launched === undefined || held === undefined) return staleFrame(args.frameId);
  const { frame, cpu } = held;
  state.move({ kind: 'frame-start', frame: 'opened' in frame ? { opened: frame.opened } : { depth: frame.depth } }, cpu);
  return undefined;
}
