import * as vscode from 'vscode';
import { BrowserMessageReader, BrowserMessageWriter } from 'vscode-languageclient/browser';
import type { ServerTransports } from './languageFeatures';

/** The language server in a web worker of its own: the extension host of a browser never waits for a parse. */
export const workerLanguageServer: ServerTransports = async ({ extensionUri }) => {
  const worker = new Worker(await workerAddress(vscode.Uri.joinPath(extensionUri, 'dist', 'web', 'languageServer.js')));
  return { reader: new BrowserMessageReader(worker), writer: new BrowserMessageWriter(worker) };
};

/** VS Code starts no worker from a file of a remote machine, where the extension is when a server gives it to the browser: its text goes instead. */
async function workerAddress(file: vscode.Uri): Promise<string> {
  if (file.scheme !== 'vscode-remote') return file.toString(true);
  const text = new Uint8Array(await vscode.workspace.fs.readFile(file));
  return URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
}
