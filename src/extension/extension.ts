import type * as vscode from 'vscode';
import { activateWith } from './activation';
import { inlineLanguageServer } from './inlineLanguageServer';

/** The extension where there is Node. */
export function activate(context: vscode.ExtensionContext): void {
  activateWith(context, inlineLanguageServer);
}
