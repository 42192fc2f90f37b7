import * as vscode from 'vscode';
import { COMMAND, DEBUG_TYPE, TECHNIQUES } from './contributions';
import { ScenarioInFront } from './scenarioInFront';
import { pathOf, uriOf } from './workspaceFiles';

const NO_SCENARIO = 'No guest scenario to debug: open a .guest file, or name one as "program" in launch.json.';

/** Fills launch configurations, offers one for each technique, and lets F5 work without launch.json. */
export function registerLaunchConfigurations(): vscode.Disposable {
  const front = new ScenarioInFront();
  return vscode.Disposable.from(
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, new LaunchConfigurations(front)),
    vscode.debug.registerDebugConfigurationProvider(
      DEBUG_TYPE,
      { provideDebugConfigurations: () => oneForEachTechnique(front.find()) },
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    vscode.commands.registerCommand(COMMAND.debugScenario, (uri?: vscode.Uri) => debugScenario(uri ?? front.find())),
  );
}

class LaunchConfigurations implements vscode.DebugConfigurationProvider {
  constructor(private readonly front: ScenarioInFront) {}

  resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    config: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration | undefined {
    if (typeof config['program'] === 'string' && config['program'] !== '') return config;
    const scenario = this.front.find();
    if (scenario === undefined) {
      void vscode.window.showErrorMessage(NO_SCENARIO);
      return undefined;
    }
    return isEmpty(config) ? launch(scenario) : { ...config, program: pathOf(scenario) };
  }

  /**
   * What is debugged is what is seen: an edited scenario is saved first, whatever the user's own setting says.
   * One that has no file yet runs as it stands in the editor.
   */
  async resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    config: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration> {
    const program = String(config['program']);
    const uri = uriInWorkspace(folder, program);
    const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === uri.toString());
    if (document?.isDirty === true && !document.isUntitled) await document.save();
    this.front.note(uri);
    return { ...config, program: pathOf(uri) };
  }
}

/** Without launch.json VS Code hands over a configuration that says nothing, whatever the type declares. */
function isEmpty(config: Partial<vscode.DebugConfiguration>): boolean {
  return !config.type && !config.request && !config.name;
}

/** With no breakpoint set there is nothing to stop at: then a run without launch.json stops at its first statement. */
function launch(scenario: vscode.Uri): vscode.DebugConfiguration {
  return {
    type: DEBUG_TYPE,
    request: 'launch',
    name: nameOf(scenario),
    program: pathOf(scenario),
    stopOnEntry: !vscode.debug.breakpoints.some((breakpoint) => breakpoint.enabled),
  };
}

function oneForEachTechnique(scenario: vscode.Uri | undefined): vscode.DebugConfiguration[] {
  const program = scenario === undefined ? '${file}' : pathOf(scenario);
  const name = scenario === undefined ? 'Scenario' : nameOf(scenario);
  return TECHNIQUES.map((mmu) => ({
    type: DEBUG_TYPE,
    request: 'launch',
    name: `${name} under ${mmu}`,
    program,
    mmu,
  }));
}

async function debugScenario(uri: vscode.Uri | undefined): Promise<void> {
  if (uri === undefined) {
    void vscode.window.showErrorMessage(NO_SCENARIO);
    return;
  }
  await vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(uri), launch(uri));
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
