import { REQUEST, type TablesArguments, type TablesResponse, type WalkArguments, type WalkResponse } from '../../protocol/requests';
import type { Answer } from '../answer';
import { cannotInspect, notStopped, unknownThread } from '../failures';
import type { SessionState } from '../sessionState';

/** The table trees of the views. */
export function tables(state: SessionState, args: TablesArguments): Answer<TablesResponse> {
  const inspector = state.launched?.inspector;
  if (inspector === undefined) return notStopped(REQUEST.tables);
  const response = inspector.tables(args);
  return 'error' in response ? cannotInspect(response.error) : response;
}

/** The walk of the access that ran last, for the panel. */
export function walk(state: SessionState, args: WalkArguments): Answer<WalkResponse> {
  if (state.launched === undefined) return notStopped(REQUEST.walk);
  const { debuggee, inspector } = state.launched;
  if (args.threadId < 1 || args.threadId > debuggee.cpus) return unknownThread(args.threadId, debuggee.cpus);
  const response = inspector.walk(args);
  return 'error' in response ? cannotInspect(response.error) : response;
}
