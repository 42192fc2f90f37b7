import * as vscode from 'vscode';
import { TABLE_VIEWS } from './contributions';
import type { Stops } from './stops';

const SHOWN = 'pagewalk.tablesShown';

/**
 * VS Code folds every view that an extension adds to the debug side bar, so that a newcomer would not see
 * the tables. They are opened at the very first stop, once; after that the person's own folding holds.
 */
export function openTablesAtFirstStop(stops: Stops, memory: vscode.Memento): vscode.Disposable {
  const [first] = TABLE_VIEWS;
  return stops.onDidChange((phase) => {
    if (phase.kind !== 'stopped' || memory.get(SHOWN) === true) return;
    void memory.update(SHOWN, true);
    void vscode.commands.executeCommand(`${first.id}.focus`, { preserveFocus: true });
  });
}
