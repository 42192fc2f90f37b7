import * as vscode from 'vscode';

/** The URI that a path or URI text from the adapter means. Two letters and more are a scheme; `C:` is a drive. */
export function uriOf(pathOrUri: string): vscode.Uri {
  return /^[a-z][a-z0-9+.-]+:/i.test(pathOrUri) ? vscode.Uri.parse(pathOrUri) : vscode.Uri.file(pathOrUri);
}

/** How the adapter is told a file: its path where paths mean files, else its URI (virtual workspaces). */
export function pathOf(uri: vscode.Uri): string {
  return uri.scheme === 'file' ? uri.fsPath : uri.toString();
}

/** Text of a file through VS Code, in whatever file system the workspace is; undefined when it cannot be read. */
async function readText(pathOrUri: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(uriOf(pathOrUri)));
  } catch {
    return undefined;
  }
}

/** Text of a file as it stands in the editor, saved or not; else as it is stored. */
export async function readCurrentText(pathOrUri: string): Promise<string | undefined> {
  const wanted = uriOf(pathOrUri).toString();
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === wanted);
  return open === undefined ? readText(pathOrUri) : open.getText();
}
