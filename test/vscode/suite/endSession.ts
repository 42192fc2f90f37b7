import * as vscode from 'vscode';

/** Ends what is being debugged, and waits until VS Code has let go of it: `stopDebugging` may answer before. */
export async function endSession(): Promise<void> {
  if (vscode.debug.activeDebugSession === undefined) return;
  let subscription: vscode.Disposable | undefined;
  const gone = new Promise<void>((resolve) => {
    subscription = vscode.debug.onDidChangeActiveDebugSession((session) => { if (session === undefined) resolve(); });
  });
  await vscode.debug.stopDebugging();
  await gone;
  subscription?.dispose();
}
