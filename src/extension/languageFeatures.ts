import * as vscode from 'vscode';
import type { MessageTransports } from 'vscode-languageclient';
import { LANGUAGE } from './contributions';
import type { StartedClient } from './languageClient';

/** How this kind of extension host reaches the language server. */
export type ServerTransports = (context: vscode.ExtensionContext) => Promise<MessageTransports>;

/** Completion, hovers, diagnostics and the rest: the language server, started when the first scenario is opened. */
export class LanguageFeatures implements vscode.Disposable {
  private client: Promise<StartedClient> | undefined;
  private readonly opening: vscode.Disposable;

  constructor(private readonly context: vscode.ExtensionContext, private readonly transports: ServerTransports) {
    const look = (document: vscode.TextDocument): void => {
      if (document.languageId === LANGUAGE) void this.started();
    };
    this.opening = vscode.workspace.onDidOpenTextDocument(look);
    vscode.workspace.textDocuments.forEach(look);
  }

  /** The client, started at its first use. */
  started(): Promise<StartedClient> {
    this.client ??= import('./languageClient').then(({ startLanguageClient }) => startLanguageClient(() => this.transports(this.context)));
    return this.client;
  }

  dispose(): void {
    this.opening.dispose();
    void this.client?.then((client) => { client.dispose(); });
  }
}
