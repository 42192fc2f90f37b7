import * as vscode from 'vscode';
import { BREAKPOINT_REQUEST, type BreakpointName, type BreakpointNamesResponse } from '../protocol/breakpointRequests';
import { COMMAND, DEBUG_TYPE } from './contributions';
import { UnboundBreakpoints } from './unboundBreakpoints';

/** "Break on Event…": a function breakpoint by a name out of all that there are, with a condition. */
export function registerEventBreakpoint(): vscode.Disposable {
  const unbound = new UnboundBreakpoints();
  return vscode.Disposable.from(unbound, vscode.commands.registerCommand(COMMAND.breakOnEvent, () => breakOnEvent(unbound)));
}

async function breakOnEvent(unbound: UnboundBreakpoints): Promise<void> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== DEBUG_TYPE) {
    void vscode.window.showInformationMessage('Debug a scenario first: what can happen in it is offered then.');
    return;
  }
  let names: readonly BreakpointName[];
  try {
    ({ names } = (await session.customRequest(BREAKPOINT_REQUEST.names)) as BreakpointNamesResponse);
  } catch (problem) {
    void vscode.window.showErrorMessage(problem instanceof Error ? problem.message : String(problem));
    return;
  }
  const chosen = await chooseName(names);
  if (chosen === undefined) return;
  if (typeof chosen === 'string') {
    unbound.expect(chosen);
    addFunctionBreakpoint(chosen);
    return;
  }
  const { name, example } = chosen;
  const condition = await vscode.window.showInputBox({
    title: `Break on ${name}`,
    prompt: 'Only where this is true; empty for always',
    ...(example === undefined ? {} : { placeHolder: `for example ${example}` }),
  });
  if (condition === undefined) return;
  unbound.expect(name);
  addFunctionBreakpoint(name, condition.trim() === '' ? undefined : condition.trim());
}

/** One of the names, or a text of a person's own: `exit:ept_violation if event.address >= 0x3000`, `write:gpa:0x3008`. */
function chooseName(names: readonly BreakpointName[]): Promise<BreakpointName | string | undefined> {
  const listed = itemsOf(names);
  const picker = vscode.window.createQuickPick<NameItem>();
  picker.title = 'Break on Event';
  picker.placeholder = 'An event, a VM exit or a procedure; or NAME if CONDITION, write:gpa:0x3008';
  picker.matchOnDescription = true;
  picker.matchOnDetail = true;
  picker.items = listed;
  return new Promise((resolve) => {
    picker.onDidChangeValue((value) => {
      const typed = value.trim();
      picker.items = isWritten(typed) ? [...listed, { label: typed, detail: 'What you have typed.', alwaysShow: true, typed }] : listed;
    });
    picker.onDidAccept(() => {
      const [item] = picker.activeItems;
      resolve(item?.typed ?? item?.of);
      picker.hide();
    });
    picker.onDidHide(() => {
      resolve(undefined);
      picker.dispose();
    });
    picker.show();
  });
}

/** With a condition or an address behind the name it is no look for one of the list. */
function isWritten(typed: string): boolean {
  return / if |:.*:|^after /.test(typed);
}

interface NameItem extends vscode.QuickPickItem {
  readonly of?: BreakpointName;
  /** A name that is not of the list. */
  readonly typed?: string;
}

/** The names under a heading for each kind. */
function itemsOf(names: readonly BreakpointName[]): NameItem[] {
  let kind = '';
  return names.flatMap((of): NameItem[] => {
    const item = { label: of.name, detail: of.description, of };
    if (of.kind === kind) return [item];
    ({ kind } = of);
    return [{ label: kind, kind: vscode.QuickPickItemKind.Separator }, item];
  });
}

/**
 * Adds a function breakpoint, which shows in the Breakpoints view and is taken away there: VS Code lets an extension add those
 * of sources and functions only. One that is there and off is put on.
 */
export function addFunctionBreakpoint(name: string, condition?: string): void {
  const present = vscode.debug.breakpoints.filter((breakpoint) => (
    breakpoint instanceof vscode.FunctionBreakpoint && breakpoint.functionName === name && breakpoint.condition === condition
  ));
  if (present.some((breakpoint) => breakpoint.enabled)) {
    void vscode.window.showInformationMessage(`${name} is already among the breakpoints; remove it in the Breakpoints view.`);
    return;
  }
  vscode.debug.removeBreakpoints(present);
  vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint(name, true, condition)]);
}
