import * as vscode from 'vscode';
import { BaseLanguageClient, type LanguageClientOptions, type MessageTransports } from 'vscode-languageclient/browser';
import { LIBRARY_SCHEME, LSP_REQUEST, type ClientOptions, type CompareAnswer } from '../protocol/languageRequests';
import { COMMAND, LANGUAGE } from './contributions';
import { SESSION_SOURCE } from './scenarioInFront';
import { readCurrentText } from './workspaceFiles';

/** The lenses above a scenario run these commands with its URI. */
const OPTIONS: ClientOptions = {
  lensCommands: { run: COMMAND.runScenario, debug: COMMAND.debugScenario, compare: COMMAND.compareScenario },
};

/** Scenarios wherever they are, and the kernel library that one goes to from them; a session's own copies are nobody's to edit. */
const SCHEMES = ['file', 'untitled', 'vscode-remote', 'vscode-vfs', 'vscode-test-web', LIBRARY_SCHEME];

class GuestLanguageClient extends BaseLanguageClient {
  constructor(options: LanguageClientOptions, private readonly transports: () => Promise<MessageTransports>) {
    super('pagewalk', 'Pagewalk Language Server', options);
  }

  protected createMessageTransports(): Promise<MessageTransports> {
    return this.transports();
  }
}

/** The language client, started. */
export interface StartedClient extends vscode.Disposable {
  /** The scenario under every technique, as a page of Markdown. */
  compare(uri: vscode.Uri, token: vscode.CancellationToken): Promise<CompareAnswer>;
}

/** Starts the client on the server that `transports` leads to. `vscode-languageclient` comes with this file, at its first use. */
export async function startLanguageClient(transports: () => Promise<MessageTransports>): Promise<StartedClient> {
  const schemes = new Set([...SCHEMES, ...(vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.scheme)]);
  schemes.delete(SESSION_SOURCE);
  const watcher = vscode.workspace.createFileSystemWatcher('**/*.guest');
  const client = new GuestLanguageClient({
    documentSelector: [...schemes].map((scheme) => ({ language: LANGUAGE, scheme })),
    initializationOptions: OPTIONS,
    synchronize: { fileEvents: watcher },
  }, transports);
  client.onRequest(LSP_REQUEST.readText, async ({ uri }: { readonly uri: string }) => (await readCurrentText(uri)) ?? null);
  const library = vscode.workspace.registerTextDocumentContentProvider(LIBRARY_SCHEME, {
    provideTextDocumentContent: (uri) => client.sendRequest<string>(LSP_REQUEST.libraryText, { name: uri.path.slice(1) }),
  });
  await client.start();
  return {
    compare: (uri, token) => client.sendRequest<CompareAnswer>(LSP_REQUEST.compare, { uri: client.code2ProtocolConverter.asUri(uri) }, token),
    dispose: () => {
      library.dispose();
      watcher.dispose();
      void client.dispose();
    },
  };
}
