import { REQUEST, type TablesArguments, type TablesResponse, type WalkArguments, type WalkResponse } from '../../protocol/requests';
import type { Answer } from '../answer';
import { cannotInspect, notStopped, unknownThread } from '../failures';
import type { SessionState } from '../sessionState';

/** The table trees of the views. */
export function tables(state: SessionState, args: TablesArguments): Answer<TablesResponse> {
  const debuggee = state.launched?.debuggee;
  if (debuggee === undefined) return notStopped(REQUEST.tables);
  const response = state.simulator.tables(debuggee, args);
  return 'error' in response ? cannotInspect(response.error) : response;
}

/** The walk of the access that ran last, for the panel. */
export function walk(state: SessionState, args: WalkArguments): Answer<WalkResponse> {
  const debuggee = state.launched?.debuggee;
  if (debuggee === undefined) return notStopped(REQUEST.walk);
  if (args.threadId < 1 || args.threadId > debuggee.cpus) return unknownThread(args.threadId, debuggee.cpus);
  const response = state.simulator.walk(debuggee, args);
  return 'error' in response ? cannotInspect(response.error) : response;
}
