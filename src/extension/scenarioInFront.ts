import * as vscode from 'vscode';
import { LANGUAGE } from './contributions';

/** Scheme of a session's own sources: listings and the kernel library. */
export const SESSION_SOURCE = 'debug';

/** A scenario that one can edit and run; a session's own copy of a library is none. */
export function isScenario(document: vscode.TextDocument): boolean {
  return document.languageId === LANGUAGE && document.uri.scheme !== SESSION_SOURCE;
}

/**
 * The scenario that F5 means: the one in the active editor, else the one debugged last when a listing or the
 * kernel library is in front of it, else one in sight. A session often ends with its listing in front.
 */
export class ScenarioInFront {
  private debugged: vscode.Uri | undefined;

  note(uri: vscode.Uri): void {
    this.debugged = uri;
  }

  find(): vscode.Uri | undefined {
    const active = vscode.window.activeTextEditor?.document;
    if (active !== undefined && isScenario(active)) return active.uri;
    if (active?.uri.scheme === SESSION_SOURCE && this.debugged !== undefined) return this.debugged;
    const visible = vscode.window.visibleTextEditors.map((editor) => editor.document);
    return visible.find(isScenario)?.uri ?? this.debugged;
  }
}
