import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Launched, SessionState } from './sessionState';
import type { SourceChange } from './sourceCatalog';

/**
 * Tells a client what it could ask for, as a run begins: its threads, which then can be paused before anything has stopped; and in
 * a restart what sources are there no more, are new or have another text. Threads are all of a run's from its first moment to its
 * last: one that has come to its end, or whose VM has died, still has a stack and registers to look at.
 */
export function announce(state: SessionState, before: Launched | undefined, { debuggee, sources }: Launched): void {
  const old = before?.debuggee.threads.length ?? 0;
  const now = debuggee.threads.length;
  for (let thread = old; thread > now; thread--) state.send('thread', threadBody('exited', thread));
  for (let thread = old + 1; thread <= now; thread++) state.send('thread', threadBody('started', thread));
  for (const change of before === undefined ? [] : sources.since(before.sources, state.client)) state.send('loadedSource', sourceBody(change));
}

function threadBody(reason: 'started' | 'exited', threadId: number): DebugProtocol.ThreadEvent['body'] {
  return { reason, threadId };
}

function sourceBody(change: SourceChange): DebugProtocol.LoadedSourceEvent['body'] {
  return change;
}
