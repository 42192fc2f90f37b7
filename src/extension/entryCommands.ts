import * as vscode from 'vscode';
import type { TableNode } from '../protocol/requests';
import { COMMAND } from './contributions';

/** Commands on an entry of a table tree: break on write to it, copy its value or its address. */
export function registerEntryCommands(): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand(COMMAND.breakOnWrite, breakOnWrite),
    vscode.commands.registerCommand(COMMAND.copyEntryValue, (node: TableNode) => copy(node.value)),
    vscode.commands.registerCommand(COMMAND.copyEntryAddress, (node: TableNode) => copy(node.address)),
  );
}

/**
 * Adds the function breakpoint `write:SPACE:ADDRESS`. (VS Code lets an extension add source and
 * function breakpoints only; this one shows, and is taken away, in the Breakpoints view.)
 */
function breakOnWrite(node: TableNode): void {
  if (node.address === undefined) return;
  const name = `write:${node.address}`;
  const present = vscode.debug.breakpoints.filter(
    (breakpoint) => breakpoint instanceof vscode.FunctionBreakpoint && breakpoint.functionName === name,
  );
  if (present.some((breakpoint) => breakpoint.enabled)) {
    void vscode.window.showInformationMessage(`${name} is already among the breakpoints; remove it in the Breakpoints view.`);
    return;
  }
  vscode.debug.removeBreakpoints(present);
  vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint(name)]);
}

async function copy(text: string | undefined): Promise<void> {
  if (text !== undefined) await vscode.env.clipboard.writeText(text);
}
