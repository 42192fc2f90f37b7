import * as vscode from 'vscode';
import { DEBUG_TYPE } from './contributions';
import { SESSION_SOURCE } from './scenarioInFront';

/**
 * Listings and the kernel library are read from their session: when it ends their tabs go too. Left open
 * they would pile up, one of each for every session, and the next F5 would start from a listing.
 */
export function registerSessionSourceTabs(): vscode.Disposable {
  return vscode.debug.onDidTerminateDebugSession((session) => {
    if (session.type !== DEBUG_TYPE) return;
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const own = tabs.filter(({ input }) => input instanceof vscode.TabInputText && isOf(session, input.uri));
    if (own.length > 0) void vscode.window.tabGroups.close(own, true);
  });
}

function isOf(session: vscode.DebugSession, uri: vscode.Uri): boolean {
  return uri.scheme === SESSION_SOURCE && new URLSearchParams(uri.query).get('session') === session.id;
}
