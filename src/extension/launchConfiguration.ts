import * as vscode from 'vscode';
import { COMMAND, DEBUG_TYPE, LANGUAGE, TECHNIQUES } from './contributions';
import { pathOf, uriOf } from './workspaceFiles';

const NO_SCENARIO = 'No guest scenario to debug: open a .guest file, or name one as "program" in launch.json.';

/** Fills launch configurations, offers one for each technique, and lets F5 work without launch.json. */
export function registerLaunchConfigurations(): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, new LaunchConfigurations()),
    vscode.debug.registerDebugConfigurationProvider(
      DEBUG_TYPE,
      { provideDebugConfigurations: oneForEachTechnique },
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    vscode.commands.registerCommand(COMMAND.debugScenario, debugScenario),
  );
}

class LaunchConfigurations implements vscode.DebugConfigurationProvider {
  resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    config: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration | undefined {
    if (typeof config['program'] === 'string' && config['program'] !== '') return config;
    const scenario = activeScenario();
    if (scenario === undefined) {
      void vscode.window.showErrorMessage(NO_SCENARIO);
      return undefined;
    }
    return isEmpty(config) ? launch(scenario) : { ...config, program: pathOf(scenario.uri) };
  }

  /** What is debugged is what is seen: an edited scenario is saved first, whatever the user's own setting says. */
  async resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    config: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration> {
    const program = String(config['program']);
    const uri = uriInWorkspace(folder, program);
    const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === uri.toString());
    if (document?.isDirty === true) await document.save();
    return { ...config, program: pathOf(uri) };
  }
}

/** Without launch.json VS Code hands over a configuration that says nothing, whatever the type declares. */
function isEmpty(config: Partial<vscode.DebugConfiguration>): boolean {
  return !config.type && !config.request && !config.name;
}

function activeScenario(): vscode.TextDocument | undefined {
  const active = vscode.window.activeTextEditor?.document;
  if (active?.languageId === LANGUAGE) return active;
  const visible = vscode.window.visibleTextEditors.map((editor) => editor.document);
  return visible.find((document) => document.languageId === LANGUAGE);
}

/** With no breakpoint set there is nothing to stop at: then a run without launch.json stops at its first statement. */
function launch(scenario: vscode.TextDocument): vscode.DebugConfiguration {
  return {
    type: DEBUG_TYPE,
    request: 'launch',
    name: nameOf(scenario.uri),
    program: pathOf(scenario.uri),
    stopOnEntry: !vscode.debug.breakpoints.some((breakpoint) => breakpoint.enabled),
  };
}

function oneForEachTechnique(): vscode.DebugConfiguration[] {
  const scenario = activeScenario();
  const program = scenario === undefined ? '${file}' : pathOf(scenario.uri);
  const name = scenario === undefined ? 'Scenario' : nameOf(scenario.uri);
  return TECHNIQUES.map((mmu) => ({
    type: DEBUG_TYPE,
    request: 'launch',
    name: `${name} under ${mmu}`,
    program,
    mmu,
  }));
}

async function debugScenario(uri?: vscode.Uri): Promise<void> {
  const document = uri === undefined ? activeScenario() : await vscode.workspace.openTextDocument(uri);
  if (document === undefined) {
    void vscode.window.showErrorMessage(NO_SCENARIO);
    return;
  }
  await vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(document.uri), launch(document));
}

/** A bare path in a virtual workspace means a file of that workspace, not of this machine. */
function uriInWorkspace(folder: vscode.WorkspaceFolder | undefined, program: string): vscode.Uri {
  const uri = uriOf(program);
  const isVirtual = folder !== undefined && folder.uri.scheme !== 'file';
  return isVirtual && uri.scheme === 'file' ? folder.uri.with({ path: uri.path }) : uri;
}

function nameOf(uri: vscode.Uri): string {
  return uri.path.slice(uri.path.lastIndexOf('/') + 1);
}
