import type { DebugProtocol } from '@vscode/debugprotocol';
import type { EntryField, TableNode, TablesArguments, TablesResponse } from '../../src/protocol/requests';
import { nestedWalkDone, nestedWalkHalfway, nestedWalkOneFurther, tlbHit } from '../panel/walkSamples';

export { serveLanguageInline } from '../../src/lsp/inline';

/**
 * Stands in for the adapter's bundle: a session of four moments whose tables and walks are
 * scripted, so that what the extension does with them can be told apart from what a machine does.
 */

type Message = Readonly<Record<string, unknown>>;
type Request = Pick<DebugProtocol.Request, 'command' | 'seq'> & { readonly arguments: Record<string, unknown> };

const WALKS = [nestedWalkHalfway, nestedWalkOneFurther, nestedWalkDone, tlbHit];
const LEVELS = ['PML4E', 'PDPTE', 'PDE', 'PTE'];
const FIRST_LINE = 3;

export function createSession(): {
  onDidSendMessage(listener: (message: Message) => void): { dispose(): void };
  handleMessage(message: Request): void;
  dispose(): void;
} {
  const listeners = new Set<(message: Message) => void>();
  let sequence = 1;
  let step = 0;
  let program = '';
  const send = (message: Message): void => {
    for (const listener of listeners) listener({ seq: sequence++, ...message });
  };
  const stop = (reason: string, words: string): void => {
    const where = `step ${String(step)}`;
    const body = { reason, description: words, where, text: `${words} (${where})`, threadId: 1, allThreadsStopped: true };
    send({ type: 'event', event: 'stopped', body });
  };
  const handlers: Readonly<Record<string, (args: Record<string, unknown>) => unknown>> = {
    initialize: () => ({
      supportsConfigurationDoneRequest: true,
      supportsFunctionBreakpoints: true,
      supportsStepBack: true,
    }),
    launch: (args) => {
      program = String(args['program']);
    },
    setBreakpoints: () => ({ breakpoints: [] }),
    setFunctionBreakpoints: (args) => ({
      breakpoints: (args['breakpoints'] as readonly unknown[]).map(() => ({ verified: true })),
    }),
    setExceptionBreakpoints: () => undefined,
    configurationDone: () => undefined,
    threads: () => ({ threads: [{ id: 1, name: 'cpu 0' }] }),
    stackTrace: () => ({
      totalFrames: 1,
      stackFrames: [{ id: 1, name: 'cpu 0', line: FIRST_LINE + step, column: 1, source: { path: program } }],
    }),
    scopes: () => ({ scopes: [] }),
    loadedSources: () => ({ sources: [] }),
    next: () => undefined,
    stepBack: () => undefined,
    continue: () => ({ allThreadsContinued: true }),
    pause: () => undefined,
    disconnect: () => undefined,
    'pagewalk/tables': (args) => tables(args as unknown as TablesArguments, step),
    'pagewalk/walk': () => WALKS[step],
  };
  const after: Readonly<Record<string, () => void>> = {
    initialize: () => { send({ type: 'event', event: 'initialized' }); },
    configurationDone: () => { stop('entry', 'Paused at the first statement'); },
    next: () => { step++; stop('step', 'Stepped'); },
    stepBack: () => { step--; stop('step', 'Stepped back'); },
    pause: () => { stop('pause', 'Paused by you'); },
    disconnect: () => { send({ type: 'event', event: 'terminated' }); },
  };
  return {
    onDidSendMessage: (listener) => {
      listeners.add(listener);
      return { dispose: () => listeners.delete(listener) };
    },
    handleMessage: ({ command, seq, arguments: args }) => {
      const handler = handlers[command];
      const answer = { type: 'response', request_seq: seq, command };
      const refusal = handler === undefined ? `no ${command}` : refusalOf(command, args, step);
      if (refusal !== undefined) {
        send({ ...answer, success: false, message: refusal, body: { error: { id: 1028, format: refusal } } });
        return;
      }
      send({ ...answer, success: true, body: handler?.(args) });
      after[command]?.();
    },
    dispose: () => { listeners.clear(); },
  };
}

/** At the last moment the EPT cannot be read. */
function refusalOf(command: string, args: Record<string, unknown>, step: number): string | undefined {
  const asksForEpt = command === 'pagewalk/tables' && args['space'] === 'ept';
  return asksForEpt && step === WALKS.length - 1 ? 'The EPT of this moment cannot be read.' : undefined;
}

/** A line that begins with `mistake` is one. */
export function diagnoseScenario(_path: string, text: string): readonly Message[] {
  const line = text.split('\n').findIndex((candidate) => candidate.trim().startsWith('mistake'));
  if (line < 0) return [];
  return [{ line, column: 0, endLine: line, endColumn: 7, message: '"mistake" is no statement.', severity: 'error' }];
}

/** Guest tables of one path, whose PTE 1 is written between step 0 and step 1; no EPT. */
function tables(args: TablesArguments, step: number): TablesResponse {
  if (args.space === 'ept') return { nodes: [], message: 'EPT is not used by shadow-wp.' };
  const space = args.space === 'guest' ? 'gpa' : 'hpa';
  const root = `${space}:0x2000`;
  const changed = step === 1;
  const shared = { root, tooltip: 'An entry of the scripted tables.', changed };
  if (args.root === undefined) {
    const label = `CR3 ${root} (process p)`;
    return { nodes: [{ ...shared, id: `${args.space}/${root}`, label, description: '4-level', path: [], fields: [], hasChildren: true }] };
  }
  const path = args.path ?? [];
  const level = LEVELS[path.length];
  if (level === undefined) return { nodes: [] };
  const index = level === 'PTE' ? 1 : 0;
  return { nodes: [entry(space, level, [...path, index], args.space, step)] };
}

function entry(space: string, level: string, path: readonly number[], tables: string, step: number): TableNode {
  const isLeaf = level === 'PTE';
  const dirty = isLeaf && step >= 1;
  const address = `${space}:0x${String(1 + path.length)}00${String((path.at(-1) ?? 0) * 8)}`;
  return {
    id: `${tables}/${space}:0x2000/${path.join('/')}`,
    label: `${level} ${String(path.at(-1))}`,
    description: `P RW US A${dirty ? ' D' : ''} → ${space}:0x${String(2 + path.length)}000`,
    tooltip: 'An entry of the scripted tables.',
    root: `${space}:0x2000`,
    path,
    address,
    value: dirty ? '0x6067' : '0x6027',
    fields: [bit('P', 0, '1'), bit('RW', 1, '1'), bit('D', 6, dirty ? '1' : '0')],
    hasChildren: !isLeaf,
    changed: step === 1,
  };
}

function bit(name: string, at: number, value: string): EntryField {
  return { name, bits: [at, at], value, meaning: `the flag ${name}` };
}
