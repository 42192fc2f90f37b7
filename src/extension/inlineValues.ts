import * as vscode from 'vscode';
import { DEBUG_TYPE, LANGUAGE, LISTING_LANGUAGE } from './contributions';
import { namesInLines } from './namesInLines';

interface Scopes {
  readonly scopes: readonly { readonly variablesReference: number }[];
}

interface Variables {
  readonly variables: readonly { readonly name: string; readonly value: string }[];
}

/** While stopped, values of the frame's own variables stand at the ends of the lines that name them. */
export function registerInlineValues(): vscode.Disposable {
  return vscode.languages.registerInlineValuesProvider([{ language: LANGUAGE }, { language: LISTING_LANGUAGE }], { provideInlineValues });
}

async function provideInlineValues(document: vscode.TextDocument, viewPort: vscode.Range, { frameId, stoppedLocation }: vscode.InlineValueContext): Promise<vscode.InlineValue[]> {
  const values = await valuesOf(frameId);
  const lines = Array.from({ length: stoppedLocation.end.line + 1 }, (_, line) => document.lineAt(line).text);
  return namesInLines(lines, stoppedLocation.end.line, new Set(values.keys()))
    .filter(({ line }) => line >= viewPort.start.line && line <= viewPort.end.line)
    .map(({ line, from, name }) => new vscode.InlineValueText(new vscode.Range(line, from, line, from + name.length), `${name} = ${values.get(name) ?? ''}`));
}

/** The rows of the frame's first scope: its variables, or the values of the listing's line. None once the scenario has moved on. */
async function valuesOf(frameId: number): Promise<ReadonlyMap<string, string>> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== DEBUG_TYPE) return new Map();
  try {
    const { scopes: [own] } = (await session.customRequest('scopes', { frameId })) as Scopes;
    if (own === undefined) return new Map();
    const { variables } = (await session.customRequest('variables', { variablesReference: own.variablesReference })) as Variables;
    return new Map(variables.map(({ name, value }) => [name, value]));
  } catch {
    return new Map();
  }
}
