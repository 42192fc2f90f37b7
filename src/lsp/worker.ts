import { BrowserMessageReader, BrowserMessageWriter, createConnection } from 'vscode-languageserver/browser';
import { LIBRARY_SCHEME, LSP_REQUEST } from '../protocol/languageRequests';
import { serveLanguage } from './languageServer';

/** The language server as a web worker: files come from the client, which alone can read the workspace. */
const connection = createConnection(new BrowserMessageReader(self), new BrowserMessageWriter(self));

serveLanguage(connection, {
  files: {
    readText: async (uri) => (await connection.sendRequest<string | null>(LSP_REQUEST.readText, { uri })) ?? undefined,
  },
  libraryUri: (name) => `${LIBRARY_SCHEME}:/${name}`,
});
