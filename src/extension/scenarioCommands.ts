import * as vscode from 'vscode';
import { COMMAND, DEBUG_TYPE } from './contributions';
import type { LanguageFeatures } from './languageFeatures';
import { ScenarioInFront } from './scenarioInFront';
import { pathOf } from './workspaceFiles';

const COMPARISON = 'pagewalk-comparison';

/** Run Scenario and Compare Techniques, as the lenses above a scenario and the command palette have them. */
export function registerScenarioCommands(features: LanguageFeatures): vscode.Disposable {
  const front = new ScenarioInFront();
  const pages = new ComparisonPages();
  const chosen = (uri: vscode.Uri | string | undefined): vscode.Uri | undefined => (
    typeof uri === 'string' ? vscode.Uri.parse(uri) : (uri ?? front.find())
  );
  return vscode.Disposable.from(
    pages,
    vscode.commands.registerCommand(COMMAND.runScenario, (uri?: vscode.Uri | string) => run(chosen(uri))),
    vscode.commands.registerCommand(COMMAND.compareScenario, (uri?: vscode.Uri | string) => compare(features, pages, chosen(uri))),
  );
}

async function run(uri: vscode.Uri | undefined): Promise<void> {
  if (uri === undefined) {
    void vscode.window.showErrorMessage('No guest scenario to run: open a .guest file.');
    return;
  }
  const name = uri.path.slice(uri.path.lastIndexOf('/') + 1);
  const configuration = { type: DEBUG_TYPE, request: 'launch', name, program: pathOf(uri) };
  await vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(uri), configuration, { noDebug: true });
  await vscode.commands.executeCommand('workbench.debug.action.focusRepl');
}

async function compare(features: LanguageFeatures, pages: ComparisonPages, uri: vscode.Uri | undefined): Promise<void> {
  if (uri === undefined) {
    void vscode.window.showErrorMessage('No guest scenario to compare: open a .guest file.');
    return;
  }
  await vscode.workspace.openTextDocument(uri);
  const progress = { location: vscode.ProgressLocation.Notification, title: 'Running the scenario under every technique', cancellable: true };
  const answer = await vscode.window.withProgress(progress, async (_, token) => (await features.started()).compare(uri, token));
  if ('refusal' in answer) {
    void vscode.window.showErrorMessage(answer.refusal);
    return;
  }
  await pages.show(uri, answer.markdown);
}

/** Pages of comparisons, one a scenario; comparing again renews its page. */
class ComparisonPages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(COMPARISON, this);

  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? '';
  }

  async show(scenario: vscode.Uri, markdown: string): Promise<void> {
    const name = scenario.path.slice(scenario.path.lastIndexOf('/') + 1);
    const page = vscode.Uri.from({ scheme: COMPARISON, path: `/${name} compared.md`, query: scenario.toString() });
    this.texts.set(page.toString(), markdown);
    this.changed.fire(page);
    try {
      await vscode.commands.executeCommand('markdown.showPreviewToSide', page);
    } catch {
      // An editor without its Markdown preview shows the text.
      await vscode.window.showTextDocument(page, { viewColumn: vscode.ViewColumn.Beside, preview: true });
    }
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
