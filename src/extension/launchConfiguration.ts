import * as vscode from 'vscode';
import { COMMAND, DEBUG_TYPE, LANGUAGE, TECHNIQUES } from './contributions';
import { showIfBroken } from './brokenScenario';
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
      { provideDebugConfigurations: (folder) => oneForEachTechnique(folder, front.find()) },
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    vscode.commands.registerCommand(COMMAND.debugScenario, (uri?: vscode.Uri | string) => (
      debugScenario(typeof uri === 'string' ? vscode.Uri.parse(uri) : (uri ?? front.find()))
    )),
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
   * One that has no file yet runs as it stands in the editor. One that does not compile does not start.
   */
  async resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    config: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    const program = String(config['program']);
    const uri = uriInWorkspace(folder, program);
    const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === uri.toString());
    if (document?.isDirty === true && !document.isUntitled) await document.save();
    this.front.note(uri);
    if (await showIfBroken(uri)) return undefined;
    return { ...config, program: pathOf(uri) };
  }
}

/** Without launch.json VS Code hands over a configuration that says nothing, whatever the type declares. */
function isEmpty(config: Partial<vscode.DebugConfiguration>): boolean {
  return !config.type && !config.request && !config.name;
}

function launch(scenario: vscode.Uri): vscode.DebugConfiguration {
  return {
    type: DEBUG_TYPE,
    request: 'launch',
    name: nameOf(scenario),
    program: pathOf(scenario),
    stopOnEntry: stopsNowhere(scenario),
  };
}

/** With no breakpoint set there is nothing to stop at: then a run without launch.json stops at its first statement. */
function stopsNowhere(scenario: vscode.Uri | undefined): boolean {
  return !vscode.debug.breakpoints.some((breakpoint) => (
    breakpoint.enabled && !(breakpoint instanceof vscode.SourceBreakpoint && isOfAnother(breakpoint.location.uri, scenario))
  ));
}

/** A file of the language that is not the scenario, and not named in it as what it imports. */
function isOfAnother(file: vscode.Uri, scenario: vscode.Uri | undefined): boolean {
  if (scenario === undefined || !file.path.endsWith(`.${LANGUAGE}`) || file.scheme !== scenario.scheme || file.path === scenario.path) return false;
  const text = vscode.workspace.textDocuments.find((open) => open.uri.toString() === scenario.toString())?.getText();
  return text !== undefined && !text.includes(nameOf(file));
}

/** VS Code asks once for each folder and once more for none: a scenario is offered by the one it lies in. */
function oneForEachTechnique(
  folder: vscode.WorkspaceFolder | undefined,
  scenario: vscode.Uri | undefined,
): vscode.DebugConfiguration[] {
  const home = scenario === undefined ? vscode.workspace.workspaceFolders?.[0] : vscode.workspace.getWorkspaceFolder(scenario);
  if (folder?.index !== home?.index) return [];
  const base =
    scenario === undefined
      ? { type: DEBUG_TYPE, request: 'launch', name: 'Scenario', program: '${file}', stopOnEntry: stopsNowhere(undefined) }
      : launch(scenario);
  return TECHNIQUES.map((mmu) => ({ ...base, name: `${base.name} under ${mmu}`, mmu }));
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
