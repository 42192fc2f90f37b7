import * as fc from 'fast-check';
import type { ArgumentKind } from '../../../src/adapter/answer';
import { answeredCommands, requestRow } from '../../../src/adapter/requestTable';
import { ENDLESS, knownNames, programs, valuesOf } from './argumentValues';

/** One thing that a client does, or that happens to it. */
export type Action =
  | { readonly do: 'ask'; readonly command: string; readonly args: unknown }
  /** What a client does at every stop: the stack, a frame's scopes, what they hold, and what that holds. */
  | { readonly do: 'look'; readonly thread: number; readonly picks: readonly number[] }
  | { readonly do: 'noise'; readonly noise: number }
  | { readonly do: 'edit'; readonly path: string; readonly text: number }
  | { readonly do: 'vanish' };

/** How far a session has come before its actions begin. */
export const beginnings = ['nothing', 'initialized', 'launched', 'at entry', 'at an event', 'running'] as const;

export interface SessionPlan {
  readonly transport: 'inline' | 'stream';
  readonly beginning: (typeof beginnings)[number];
  readonly program: string;
  readonly mmu: string | undefined;
  readonly actions: readonly Action[];
}

export interface RequestCase {
  /** `orderly`: each action waits until its session stands still. `hasty`: nobody waits for anything. */
  readonly manner: 'orderly' | 'hasty';
  readonly sessions: readonly SessionPlan[];
  /** Whose turn it is, over and over. */
  readonly turns: readonly number[];
}

/** Arguments that a request may have besides those it must. A request that is not here gets some of all names. */
const optional: Readonly<Record<string, readonly string[]>> = {
  initialize: ['adapterID', 'pathFormat', 'linesStartAt1', 'columnsStartAt1'], launch: ['program', 'mmu', 'stopOnEntry', 'stopAtBoot', 'noDebug'], configurationDone: [], restart: ['arguments'],
  terminate: ['restart'], disconnect: ['terminateDebuggee', 'restart'], setBreakpoints: ['breakpoints', 'lines'], setFunctionBreakpoints: [], setExceptionBreakpoints: ['filterOptions'], setDataBreakpoints: [], setInstructionBreakpoints: [],
  dataBreakpointInfo: ['variablesReference', 'frameId', 'asAddress', 'bytes'], breakpointLocations: ['endLine', 'column', 'endColumn'],
  continue: ['singleThread'], next: ['granularity', 'singleThread'], stepIn: ['granularity', 'targetId', 'singleThread'], stepOut: ['granularity', 'singleThread'],
  stepBack: ['granularity', 'singleThread'], reverseContinue: ['singleThread'], pause: ['threadId'], threads: [], stackTrace: ['startFrame', 'levels', 'format'],
  scopes: [], variables: ['filter', 'start', 'count', 'format'], evaluate: ['frameId', 'context', 'format', 'source', 'line', 'column'], exceptionInfo: ['threadId'], readMemory: ['offset'],
  source: ['source', 'sourceReference'], loadedSources: [], 'pagewalk/tables': ['root', 'path'], 'pagewalk/walk': [],
  setVariable: ['format'], setExpression: ['frameId', 'format'], writeMemory: ['offset', 'allowPartial'], goto: [], gotoTargets: ['column'], stepInTargets: [], completions: ['frameId', 'line'],
  'pagewalk/reverseStepOut': [], 'pagewalk/nextExit': ['of'], 'pagewalk/previousExit': ['of'], 'pagewalk/lastWrite': ['bytes', 'threadId'], 'pagewalk/seek': ['to', 'step', 'event'], 'pagewalk/reverseToCursor': ['column'], 'pagewalk/moments': [],
  'pagewalk/writer': ['bytes'], disassemble: ['offset', 'instructionOffset', 'resolveSymbols'], locations: [], restartFrame: [], cancel: ['requestId', 'progressId'],
};

/** What moves, and what looks where one stands, is asked more often than the rest. */
const often: Readonly<Record<string, number>> = {
  next: 4, stepIn: 5, stepOut: 2, stepBack: 5, reverseContinue: 3, continue: 1.5, stackTrace: 6, scopes: 5, variables: 6, evaluate: 3, setBreakpoints: 3, disconnect: 0.1, terminate: 0.1, launch: 0.4, initialize: 0.2, configurationDone: 0.3, pause: 0.6,
};

function argumentsOf(command: string): fc.Arbitrary<unknown> {
  const needs = requestRow(command)?.needs ?? {};
  const needed = new Map<string, ArgumentKind | undefined>();
  for (const [name, kind] of Object.entries(needs)) {
    const [plain = name, member] = name.split('[]');
    if (!needed.has(plain)) needed.set(plain, member === undefined ? kind : 'list');
  }
  const right: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, kind] of needed) right[name] = valuesOf(command, name, kind);
  const own = Object.hasOwn(optional, command) ? optional[command] : undefined;
  for (const name of own ?? knownNames) if (!needed.has(name)) right[name] = fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: valuesOf(command, name, undefined) });
  const required = own === undefined ? [...needed.keys()] : command === 'launch' ? ['program', 'stopOnEntry'] : [...needed.keys(), ...own.filter((name) => name === 'source')];
  return fc.oneof(
    { weight: 12, arbitrary: fc.record(right, { requiredKeys: required }) },
    { weight: 1, arbitrary: fc.record(right, { requiredKeys: [] }) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(undefined, null, 'x', 5, [], [1]) },
  );
}

const unknownCommands = ['attach', 'modules', '__proto__', 'constructor', '', 'pagewalk/moon', 'toString'];
const asks: fc.Arbitrary<Action> = fc.oneof(
  ...answeredCommands.map((command) => ({ weight: Math.round(10 * (often[command] ?? 2)), arbitrary: fc.record({ do: fc.constant('ask' as const), command: fc.constant(command), args: argumentsOf(command) }) })),
  { weight: 10, arbitrary: fc.record({ do: fc.constant('ask' as const), command: fc.constantFrom(...unknownCommands), args: fc.constantFrom<unknown>(undefined, {}, { threadId: 1 }) }) },
);

const actions: fc.Arbitrary<readonly Action[]> = fc.array(fc.oneof(
  { weight: 80, arbitrary: asks },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('look' as const), thread: fc.constantFrom(1, 1, 2), picks: fc.array(fc.oneof(fc.nat(2), fc.nat(12)), { minLength: 1, maxLength: 5 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('noise' as const), noise: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('edit' as const), path: fc.constantFrom(...programs), text: fc.nat(99) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'vanish' as const }) },
), { minLength: 1, maxLength: 50, size: 'max' });

function session(orderly: boolean): fc.Arbitrary<SessionPlan> {
  return fc.record({
    transport: fc.constantFrom('inline', 'stream'),
    beginning: fc.oneof({ weight: 1, arbitrary: fc.constantFrom(...(orderly ? beginnings.filter((beginning) => beginning !== 'running') : beginnings)) }, { weight: 3, arbitrary: fc.constantFrom('at entry' as const, 'at an event' as const) }),
    program: orderly ? fc.constantFrom(...programs) : fc.constantFrom(...programs, ENDLESS, ENDLESS),
    mmu: fc.constantFrom(undefined, undefined, 'ept', 'shadow-wp', 'native', 'interpret'),
    actions,
  });
}

/** Up to three sessions at once, each with what its client does. */
export const requestCases: fc.Arbitrary<RequestCase> = fc.constantFrom('orderly' as const, 'hasty' as const).chain((manner) => fc.record({
  manner: fc.constant(manner),
  sessions: fc.array(session(manner === 'orderly'), { minLength: 1, maxLength: 3 }),
  turns: fc.array(fc.nat(2), { minLength: 1, maxLength: 12 }),
}));
