import { LIBRARY_SCHEME } from '../protocol/languageRequests';
import type { ServerTransports } from './languageFeatures';
import { readCurrentText } from './workspaceFiles';

/** The language server in the extension host itself: no process, no port. */
export const inlineLanguageServer: ServerTransports = async () => {
  const { serveLanguageInline } = await import('./adapterEntry');
  return serveLanguageInline({ files: { readText: readCurrentText }, libraryUri: (name) => `${LIBRARY_SCHEME}:/${name}` });
};
