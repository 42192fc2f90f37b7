import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import type { BreakpointTarget } from '../breakpoints/breakpointStore';
import { accessesOnLines } from '../breakpoints/accessLocations';
import { statementsOnLines } from '../breakpoints/statementAtLine';
import { unknownSource } from '../failures';
import type { SessionState } from '../sessionState';

export function setBreakpoints(
  state: SessionState,
  args: DebugProtocol.SetBreakpointsArguments,
): Answer<DebugProtocol.SetBreakpointsResponse['body']> {
  const asked = args.breakpoints ?? (args.lines ?? []).map((line) => ({ line }));
  return { breakpoints: state.breakpoints.setInSource(target(state), args.source, asked) };
}

export function setFunctionBreakpoints(
  state: SessionState,
  args: DebugProtocol.SetFunctionBreakpointsArguments,
): Answer<DebugProtocol.SetFunctionBreakpointsResponse['body']> {
  return { breakpoints: state.breakpoints.setFunctions(target(state), args.breakpoints) };
}

export function setExceptionBreakpoints(
  state: SessionState,
  args: DebugProtocol.SetExceptionBreakpointsArguments,
): Answer<{ breakpoints: DebugProtocol.Breakpoint[] }> {
  const plain = args.filters.map((filterId) => ({ filterId }));
  return { breakpoints: state.breakpoints.setExceptions(target(state), [...plain, ...(args.filterOptions ?? [])]) };
}

/** Rows of the disassembly: a reference that a frame or a row gave, and an offset from it. */
export function setInstructionBreakpoints(
  state: SessionState,
  args: DebugProtocol.SetInstructionBreakpointsArguments,
): Answer<DebugProtocol.SetInstructionBreakpointsResponse['body']> {
  const changed = (breakpoint: DebugProtocol.Breakpoint): void => { state.send('breakpoint', { reason: 'changed', breakpoint }); };
  return { breakpoints: state.breakpoints.setInstructions(target(state), args.breakpoints, changed) };
}

/** Every statement that starts on the asked lines, and each access where a statement makes several: told apart by column. */
export function breakpointLocations(
  state: SessionState,
  args: DebugProtocol.BreakpointLocationsArguments,
): Answer<DebugProtocol.BreakpointLocationsResponse['body']> {
  const { scenario, sources, inspector, client } = target(state);
  const known = sources.find(args.source);
  if (known === undefined) return unknownSource(args.source);
  const from = client.lineIn(args.line);
  const to = args.endLine === undefined ? from : client.lineIn(args.endLine);
  if (known.kind === 'listing') {
    const running = inspector.runningLines(known.name);
    return { breakpoints: running.filter((line) => line >= from && line <= to).map((line) => ({ line: client.lineOut(line) })) };
  }
  const { program } = scenario;
  const places = [...statementsOnLines(program, known.file, from - 1, to - 1), ...accessesOnLines(program, known.file, from - 1, to - 1)];
  places.sort((a, b) => a.range.line - b.range.line || a.range.column - b.range.column);
  return {
    breakpoints: places.map(({ range }) => ({
      line: client.lineOut(range.line + 1),
      column: client.columnOut(range.column + 1),
      endLine: client.lineOut(range.endLine + 1),
      endColumn: client.columnOut(range.endColumn + 1),
    })),
  };
}

function target(state: SessionState): BreakpointTarget {
  if (state.launched === undefined) throw new Error('invariant: breakpoints are set in a launched session');
  return state.breakpointTarget(state.launched);
}
