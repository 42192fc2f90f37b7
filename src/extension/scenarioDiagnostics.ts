import * as vscode from 'vscode';
import { isScenario } from './scenarioInFront';
import { pathOf, readCurrentText } from './workspaceFiles';

/** A pause in typing that long is taken for a thought finished. */
const SETTLES_AFTER_MS = 250;

const SEVERITY = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
} as const;

/** Errors and warnings of every open scenario, as its compiler finds them, on their lines. */
export class ScenarioDiagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('pagewalk');
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly subscriptions: vscode.Disposable[];

  constructor() {
    this.subscriptions = [
      this.collection,
      vscode.workspace.onDidOpenTextDocument((document) => {
        this.schedule(document, 0);
      }),
      vscode.workspace.onDidChangeTextDocument((event) => {
        this.schedule(event.document, SETTLES_AFTER_MS);
      }),
      vscode.workspace.onDidSaveTextDocument((saved) => {
        this.refreshImporters(saved);
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.forget(document.uri);
      }),
    ];
    for (const document of vscode.workspace.textDocuments) this.schedule(document, 0);
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private schedule(document: vscode.TextDocument, delay: number): void {
    // A session's own copy of a source (the kernel library) is nobody's to mend here.
    if (!isScenario(document)) return;
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.set(
      key,
      setTimeout(() => {
        this.timers.delete(key);
        void this.diagnose(document);
      }, delay),
    );
  }

  private async diagnose(document: vscode.TextDocument): Promise<void> {
    const { version } = document;
    const { diagnoseScenario } = await import('./adapterEntry');
    const found = await diagnoseScenario(pathOf(document.uri), document.getText(), { readText: readCurrentText });
    if (document.isClosed || document.version !== version) return;
    this.collection.set(
      document.uri,
      found.map((diagnostic) => {
        const { line, column, endLine, endColumn, message, severity } = diagnostic;
        const range = new vscode.Range(line, column, endLine, endColumn);
        const shown = new vscode.Diagnostic(range, message, SEVERITY[severity]);
        shown.source = 'pagewalk';
        return shown;
      }),
    );
  }

  /** Another scenario may import the one just saved. */
  private refreshImporters(saved: vscode.TextDocument): void {
    if (!isScenario(saved)) return;
    for (const document of vscode.workspace.textDocuments) {
      if (document !== saved && /^\s*import\b/m.test(document.getText())) this.schedule(document, SETTLES_AFTER_MS);
    }
  }

  private forget(uri: vscode.Uri): void {
    const key = uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    this.collection.delete(uri);
  }
}
