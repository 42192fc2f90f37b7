import type * as vscode from 'vscode';
import { TABLE_VIEWS } from './contributions';
import { registerEntryCommands } from './entryCommands';
import { registerEventBreakpoint } from './eventBreakpoint';
import { registerEvaluatableExpressions } from './evaluatableExpressions';
import { registerInlineAdapter } from './inlineAdapter';
import { registerInlineValues } from './inlineValues';
import { LanguageFeatures, type ServerTransports } from './languageFeatures';
import { registerLaunchConfigurations } from './launchConfiguration';
import { MomentStatus } from './momentStatus';
import { registerMotionCommands } from './motionCommands';
import { registerScenarioCommands } from './scenarioCommands';
import { registerSessionSourceTabs } from './sessionSourceTabs';
import { Stops } from './stops';
import { openTablesAtFirstStop } from './tablesAtFirstStop';
import { TableTree } from './tableTree';
import { WalkPanel } from './walkPanel';

/** Registers everything and loads nothing: simulator, parser and language client come with their first use. */
export function activateWith(context: vscode.ExtensionContext, languageServer: ServerTransports): void {
  const stops = new Stops();
  const features = new LanguageFeatures(context, languageServer);
  context.subscriptions.push(
    stops,
    features,
    registerInlineAdapter(),
    registerLaunchConfigurations(),
    registerScenarioCommands(features),
    registerEntryCommands(),
    registerMotionCommands(stops),
    registerEventBreakpoint(),
    registerEvaluatableExpressions(),
    registerInlineValues(),
    registerSessionSourceTabs(),
    openTablesAtFirstStop(stops, context.globalState),
    new MomentStatus(stops),
    new WalkPanel(context.extensionUri, stops),
    ...TABLE_VIEWS.map(({ id, space }) => new TableTree(id, space, stops)),
  );
}
