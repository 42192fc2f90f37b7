import * as vscode from 'vscode';
import { BrowserMessageReader, BrowserMessageWriter } from 'vscode-languageclient/browser';
import type { ServerTransports } from './languageFeatures';

/** The language server in a web worker of its own: the extension host of a browser never waits for a parse. */
export const workerLanguageServer: ServerTransports = ({ extensionUri }) => {
  const worker = new Worker(vscode.Uri.joinPath(extensionUri, 'dist', 'web', 'languageServer.js').toString(true));
  return Promise.resolve({ reader: new BrowserMessageReader(worker), writer: new BrowserMessageWriter(worker) });
};
