import { MOTION_REQUEST } from '../protocol/motionRequests';
import { BREAKPOINT_REQUEST } from '../protocol/breakpointRequests';
import { REQUEST } from '../protocol/requests';
import { row, type Phase, type RequestRow } from './answer';
import { breakpointNames } from './requests/breakpointNames';
import { breakpointLocations, setBreakpoints, setExceptionBreakpoints, setFunctionBreakpoints, setInstructionBreakpoints } from './requests/breakpoints';
import { completions } from './requests/completions';
import { dataBreakpointInfo, setDataBreakpoints } from './requests/dataBreakpoints';
import { disassemble } from './requests/disassemble';
import { setExpression, setVariable } from './requests/edits';
import { evaluate } from './requests/evaluate';
import { exceptionInfo } from './requests/exceptionInfo';
import { tables, walk, writer } from './requests/inspection';
import { lastWrite, moments, nextExit, previousExit, reverseStepOut, reverseToCursor, seek } from './requests/journeys';
import { goto, gotoTargets, restartFrame } from './requests/jumps';
import { configurationDone, disconnect, initialize, launch, restart, terminate } from './requests/lifecycle';
import { locations } from './requests/locations';
import { readMemory, writeMemory } from './requests/memory';
import { cancel, next, pause, resume, reverseContinue, stepBack, stepIn, stepInTargets, stepOut } from './requests/motions';
import { loadedSources, source } from './requests/sources';
import { stackTrace, threads } from './requests/stack';
import { scopes, variables } from './requests/variables';

const everywhere: readonly Phase[] = [
  'not initialized', 'not launched', 'launching', 'being configured', 'running', 'stopped', 'over', 'disconnected',
];
const launched: readonly Phase[] = ['being configured', 'running', 'stopped'];
const stopped: readonly Phase[] = ['stopped'];

/** Every request that is answered. What is not here is refused by name. */
const rows: Readonly<Record<string, RequestRow>> = {
  initialize: row(['not initialized'], {}, initialize),
  launch: row(['not launched'], {}, launch),
  configurationDone: row(['being configured'], {}, configurationDone),
  restart: row(['running', 'stopped'], {}, restart),
  terminate: row([...launched, 'over'], {}, terminate),
  disconnect: row(everywhere, {}, disconnect),

  setBreakpoints: row(launched, { source: 'object', 'breakpoints[].line': 'number', 'lines[]': 'number' }, setBreakpoints),
  setFunctionBreakpoints: row(launched, { breakpoints: 'list', 'breakpoints[].name': 'text' }, setFunctionBreakpoints),
  setExceptionBreakpoints: row(
    launched,
    { filters: 'list', 'filters[]': 'text', 'filterOptions[].filterId': 'text' },
    setExceptionBreakpoints,
  ),
  setDataBreakpoints: row(launched, { breakpoints: 'list', 'breakpoints[].dataId': 'text' }, setDataBreakpoints),
  setInstructionBreakpoints: row(
    launched, { breakpoints: 'list', 'breakpoints[].instructionReference': 'text' }, setInstructionBreakpoints,
  ),
  dataBreakpointInfo: row(stopped, { name: 'text' }, dataBreakpointInfo),
  [BREAKPOINT_REQUEST.names]: row(launched, {}, breakpointNames),
  breakpointLocations: row(launched, { source: 'object', line: 'number' }, breakpointLocations),

  continue: row(stopped, { threadId: 'number' }, resume),
  next: row(stopped, { threadId: 'number' }, next),
  stepIn: row(stopped, { threadId: 'number' }, stepIn),
  stepInTargets: row(stopped, { frameId: 'number' }, stepInTargets),
  stepOut: row(stopped, { threadId: 'number' }, stepOut),
  stepBack: row(stopped, { threadId: 'number' }, stepBack),
  reverseContinue: row(stopped, { threadId: 'number' }, reverseContinue),
  cancel: row(everywhere, {}, cancel),
  pause: row(['running', 'stopped'], {}, pause),
  restartFrame: row(stopped, { frameId: 'number' }, restartFrame),
  gotoTargets: row(stopped, { source: 'object', line: 'number' }, gotoTargets),
  goto: row(stopped, { threadId: 'number', targetId: 'number' }, goto),

  threads: row(everywhere, {}, threads),
  stackTrace: row(stopped, { threadId: 'number' }, stackTrace),
  scopes: row(stopped, { frameId: 'number' }, scopes),
  variables: row(stopped, { variablesReference: 'number' }, variables),
  evaluate: row(stopped, { expression: 'text' }, evaluate),
  completions: row(stopped, { text: 'text', column: 'number' }, completions),
  disassemble: row(stopped, { memoryReference: 'text', instructionCount: 'number' }, disassemble),
  locations: row(stopped, { locationReference: 'number' }, locations),
  exceptionInfo: row(stopped, {}, exceptionInfo),
  readMemory: row(stopped, { memoryReference: 'text', count: 'number' }, readMemory),
  writeMemory: row(stopped, { memoryReference: 'text', data: 'text' }, writeMemory),
  setVariable: row(stopped, { variablesReference: 'number', name: 'text', value: 'text' }, setVariable),
  setExpression: row(stopped, { expression: 'text', value: 'text' }, setExpression),
  source: row([...launched, 'over'], {}, source),
  loadedSources: row([...launched, 'over'], {}, loadedSources),

  [MOTION_REQUEST.reverseStepOut]: row(stopped, { threadId: 'number' }, reverseStepOut),
  [MOTION_REQUEST.nextExit]: row(stopped, { threadId: 'number' }, nextExit),
  [MOTION_REQUEST.previousExit]: row(stopped, { threadId: 'number' }, previousExit),
  [MOTION_REQUEST.lastWrite]: row(stopped, { memoryReference: 'text' }, lastWrite),
  [MOTION_REQUEST.seek]: row(stopped, {}, seek),
  [MOTION_REQUEST.reverseToCursor]: row(stopped, { threadId: 'number', source: 'object', line: 'number' }, reverseToCursor),
  [MOTION_REQUEST.moments]: row(stopped, {}, moments),

  [REQUEST.tables]: row(stopped, { space: 'text' }, tables),
  [REQUEST.walk]: row(stopped, { threadId: 'number' }, walk),
  [REQUEST.writer]: row(stopped, { memoryReference: 'text' }, writer),
};

/** A command's row; names such as `constructor` find nothing. */
export function requestRow(command: string): RequestRow | undefined {
  return Object.hasOwn(rows, command) ? rows[command] : undefined;
}

/** Commands that have a handler. */
export const answeredCommands: readonly string[] = Object.keys(rows);
