import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { staleLocation } from '../failures';
import type { SessionState } from '../sessionState';

/** Where a value got what it is, or a name is declared: found now, when somebody wants to go there. */
export function locations(state: SessionState, args: DebugProtocol.LocationsArguments): Answer<DebugProtocol.LocationsResponse['body']> {
  const located = state.locations.find(args.locationReference);
  return located === undefined ? staleLocation(args.locationReference) : located();
}
