import type * as vscode from 'vscode';
import { activateWith } from './activation';
import { workerLanguageServer } from './workerLanguageServer';

/** The extension in a browser's extension host, which is a web worker. */
export function activate(context: vscode.ExtensionContext): void {
  activateWith(context, workerLanguageServer);
}
