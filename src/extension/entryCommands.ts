import * as vscode from 'vscode';
import { REQUEST, type TableNode, type WriterArguments, type WriterResponse } from '../protocol/requests';
import { COMMAND, DEBUG_TYPE } from './contributions';
import { revealSource } from './revealSource';

/** Commands on an entry of a table tree: break on write to it, copy its value or its address. */
export function registerEntryCommands(): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand(COMMAND.breakOnWrite, breakOnWrite),
    vscode.commands.registerCommand(COMMAND.whoWrote, goToWriter),
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

/** Opens the statement or listing line that wrote the entry last, and says when that was. */
async function goToWriter(node: TableNode): Promise<void> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== DEBUG_TYPE || node.address === undefined) return;
  const asked: WriterArguments = { memoryReference: node.address };
  let answer: WriterResponse;
  try {
    answer = (await session.customRequest(REQUEST.writer, asked)) as WriterResponse;
  } catch (problem) {
    void vscode.window.showErrorMessage(problem instanceof Error ? problem.message : String(problem));
    return;
  }
  const { written, message } = answer;
  if (written === undefined) {
    void vscode.window.showInformationMessage(message);
    return;
  }
  await revealSource(session, written.path, written.line);
  void vscode.window.showInformationMessage(`${message}: ${written.text}.`);
}

async function copy(text: string | undefined): Promise<void> {
  if (text !== undefined) await vscode.env.clipboard.writeText(text);
}
