import * as vscode from 'vscode';
import { REQUEST, type TableNode, type WriterArguments, type WriterResponse } from '../protocol/requests';
import { COMMAND, DEBUG_TYPE } from './contributions';
import { addFunctionBreakpoint } from './eventBreakpoint';
import { revealSource } from './revealSource';

/** Commands on an entry of a table tree: break on a write to it or a walk through it, copy its value or its address. */
export function registerEntryCommands(): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand(COMMAND.breakOnWrite, (node: TableNode) => { breakOn('write', node); }),
    vscode.commands.registerCommand(COMMAND.breakOnWalk, (node: TableNode) => { breakOn('walk', node); }),
    vscode.commands.registerCommand(COMMAND.whoWrote, goToWriter),
    vscode.commands.registerCommand(COMMAND.copyEntryValue, (node: TableNode) => copy(node.value)),
    vscode.commands.registerCommand(COMMAND.copyEntryAddress, (node: TableNode) => copy(node.address)),
  );
}

/** Adds the function breakpoint `write:SPACE:ADDRESS`, or another use of the entry. */
function breakOn(use: 'write' | 'walk', node: TableNode): void {
  if (node.address !== undefined) addFunctionBreakpoint(`${use}:${node.address}`);
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
