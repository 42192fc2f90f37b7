import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { sourceIsFile, unknownSource } from '../failures';
import type { SessionState } from '../sessionState';

export function loadedSources(state: SessionState): Answer<DebugProtocol.LoadedSourcesResponse['body']> {
  return { sources: [...(state.launched?.sources.all(state.client) ?? [])] };
}

/** Text of a listing or of the kernel library; files on disk the client reads itself. */
export function source(state: SessionState, args: DebugProtocol.SourceArguments): Answer<DebugProtocol.SourceResponse['body']> {
  const named: DebugProtocol.Source = { sourceReference: args.sourceReference, ...args.source };
  const { launched, client } = state;
  const found = launched?.sources.find(named);
  const content = launched?.sources.text(named);
  // VS Code colours a source by its MIME type: those of the two languages in the extension's manifest.
  if (content !== undefined) return { content, mimeType: found?.kind === 'listing' ? 'text/x-vmm' : 'text/x-guest' };
  const file = found?.kind === 'file' ? launched?.scenario.program.files[found.file] : undefined;
  return file === undefined ? unknownSource(named) : sourceIsFile(client.pathOut(file.path));
}
