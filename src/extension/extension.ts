import type * as vscode from 'vscode';
import { TABLE_VIEWS } from './contributions';
import { registerEntryCommands } from './entryCommands';
import { registerEvaluatableExpressions } from './evaluatableExpressions';
import { registerInlineAdapter } from './inlineAdapter';
import { registerLaunchConfigurations } from './launchConfiguration';
import { MomentStatus } from './momentStatus';
import { ScenarioDiagnostics } from './scenarioDiagnostics';
import { registerSessionSourceTabs } from './sessionSourceTabs';
import { Stops } from './stops';
import { openTablesAtFirstStop } from './tablesAtFirstStop';
import { TableTree } from './tableTree';
import { WalkPanel } from './walkPanel';

/** Registers everything and loads nothing: simulator and parser come with their first use. */
export function activate(context: vscode.ExtensionContext): void {
  const stops = new Stops();
  context.subscriptions.push(
    stops,
    registerInlineAdapter(),
    registerLaunchConfigurations(),
    registerEntryCommands(),
    registerEvaluatableExpressions(),
    registerSessionSourceTabs(),
    openTablesAtFirstStop(stops, context.globalState),
    new ScenarioDiagnostics(),
    new MomentStatus(stops),
    new WalkPanel(context.extensionUri, stops),
    ...TABLE_VIEWS.map(({ id, space }) => new TableTree(id, space, stops)),
  );
}
