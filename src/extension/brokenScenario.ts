import * as vscode from 'vscode';
import { pathOf, readCurrentText } from './workspaceFiles';

const PROBLEMS = 'Show Problems';

/**
 * True when a scenario does not compile: then its first error is shown on its line, with the sentence. (The
 * adapter refuses it too, but VS Code shows that in a dialog that offers launch.json, where nothing is wrong.)
 * A file that cannot be read is left to the adapter, whose sentence is about just that.
 */
export async function showIfBroken(uri: vscode.Uri): Promise<boolean> {
  const text = await readCurrentText(pathOf(uri));
  if (text === undefined) return false;
  const { diagnoseScenario } = await import('./adapterEntry');
  const found = await diagnoseScenario(pathOf(uri), text, { readText: readCurrentText });
  const [first, ...more] = found.filter(({ severity }) => severity === 'error');
  if (first === undefined) return false;
  const start = new vscode.Position(first.line, first.column);
  await vscode.window.showTextDocument(uri, { selection: new vscode.Range(start, start) });
  const rest = more.length === 0 ? '' : ` ${String(more.length)} more ${more.length === 1 ? 'error follows' : 'errors follow'}.`;
  const name = uri.path.slice(uri.path.lastIndexOf('/') + 1);
  const sentence = `${name}:${String(first.line + 1)} does not compile. ${first.message}${rest}`;
  void vscode.window.showErrorMessage(sentence, PROBLEMS).then((chosen) => {
    if (chosen === PROBLEMS) void vscode.commands.executeCommand('workbench.actions.view.problems');
  });
  return true;
}
