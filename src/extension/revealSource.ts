import * as vscode from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { uriOf } from './workspaceFiles';

/**
 * Opens a line (one-based) of a source as the adapter names it, beside the panel: a file, or one
 * of the session's own sources (the kernel library, a listing), which VS Code fetches by reference.
 */
export async function revealSource(
  session: vscode.DebugSession | undefined,
  path: string,
  line: number,
): Promise<void> {
  try {
    const uri = (await ownSource(session, path)) ?? uriOf(path);
    const document = await vscode.workspace.openTextDocument(uri);
    const position = new vscode.Position(Math.max(0, line - 1), 0);
    const open = vscode.window.visibleTextEditors.find((editor) => editor.document === document);
    await vscode.window.showTextDocument(document, {
      viewColumn: open?.viewColumn ?? vscode.ViewColumn.One,
      selection: new vscode.Range(position, position),
    });
  } catch {
    void vscode.window.showErrorMessage(`${path} cannot be opened: check that the file still exists.`);
  }
}

async function ownSource(session: vscode.DebugSession | undefined, path: string): Promise<vscode.Uri | undefined> {
  if (session === undefined) return undefined;
  const { sources } = (await session.customRequest('loadedSources')) as DebugProtocol.LoadedSourcesResponse['body'];
  const source = sources.find((candidate) => candidate.path === undefined && candidate.name === path);
  return source === undefined ? undefined : vscode.debug.asDebugSourceUri(asDebugSource(source), session);
}

function asDebugSource(source: DebugProtocol.Source): vscode.DebugProtocolSource {
  return source;
}
