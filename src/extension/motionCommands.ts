import * as vscode from 'vscode';
import { MOTION_REQUEST, type ExitArguments, type LastWriteArguments, type MomentsResponse, type SeekArguments } from '../protocol/motionRequests';
import type { TableNode } from '../protocol/requests';
import { COMMAND } from './contributions';
import { parseMoment } from './momentText';
import type { Stop, Stops } from './stops';
import { pathOf } from './workspaceFiles';

/** Stops that a person has to be told of in words: the scenario stands where it was not sent, and the call stack does not say why. */
const UNEXPECTED = /^(Stayed here|Start of history|End of history|Waits for others)/;
const STATUS_MILLISECONDS = 8000;

/** A row of the Variables view, as VS Code hands it to a command of its context menu. */
interface VariableRow {
  readonly variable?: { readonly memoryReference?: string };
}

/** Commands for the motions that VS Code has none for: back out of a frame, between VM exits, to writes and moments, one CPU alone. */
export function registerMotionCommands(stops: Stops): vscode.Disposable {
  const commands = new MotionCommands(stops);
  const register = (command: string, run: (...args: readonly unknown[]) => unknown): vscode.Disposable => vscode.commands.registerCommand(command, run);
  const toExit = (request: string) => (...args: readonly unknown[]): Promise<void> => (
    commands.move(request, (threadId): ExitArguments => ({ threadId }), args)
  );
  const alone = (request: string) => (...args: readonly unknown[]): Promise<void> => (
    commands.move(request, (threadId) => ({ threadId, singleThread: true }), args)
  );
  return vscode.Disposable.from(
    register(COMMAND.reverseStepOut, (...args) => commands.move(MOTION_REQUEST.reverseStepOut, (threadId) => ({ threadId }), args)),
    register(COMMAND.previousExit, toExit(MOTION_REQUEST.previousExit)),
    register(COMMAND.nextExit, toExit(MOTION_REQUEST.nextExit)),
    register(COMMAND.lastWrite, (place) => commands.toLastWrite(place)),
    register(COMMAND.seek, () => commands.seek()),
    register(COMMAND.reverseToCursor, () => commands.reverseToCursor()),
    register(COMMAND.stepOverAlone, alone('next')),
    register(COMMAND.stepIntoAlone, alone('stepIn')),
    register(COMMAND.continueAlone, alone('continue')),
  );
}

class MotionCommands {
  constructor(private readonly stops: Stops) {}

  /** Asks the active session for a motion of the thread that was chosen, and tells how it ended where that is not to be seen. */
  async move(request: string, argumentsOf: (threadId: number) => object, chosen: readonly unknown[] = []): Promise<void> {
    const stop = this.stops.current();
    if (stop === undefined) {
      void vscode.window.showInformationMessage('No Pagewalk session is stopped: pause it first.');
      return;
    }
    const arrival = this.arrivalAfter(stop);
    try {
      await stop.session.customRequest(request, argumentsOf(threadOf(chosen) ?? stop.threadId));
    } catch (problem) {
      arrival.dispose();
      void vscode.window.showErrorMessage(problem instanceof Error ? problem.message : String(problem));
    }
  }

  /** From a node of a table tree, from a variable that has an address, or from the palette, which asks for one. */
  async toLastWrite(place: unknown): Promise<void> {
    const given = (place as Partial<TableNode> | undefined)?.address ?? (place as VariableRow | undefined)?.variable?.memoryReference;
    const memoryReference = given ?? await vscode.window.showInputBox({
      title: 'Go Back to Last Write', prompt: 'An address: gva:0x600000, gpa:0x3008, hpa:0x104008', ignoreFocusOut: true,
    });
    if (memoryReference === undefined || memoryReference === '') return;
    await this.move(MOTION_REQUEST.lastWrite, (threadId): LastWriteArguments => ({ memoryReference, threadId }));
  }

  async seek(): Promise<void> {
    const stop = this.stops.current();
    if (stop === undefined) {
      void vscode.window.showInformationMessage('No Pagewalk session is stopped: pause it first.');
      return;
    }
    const moments = (await stop.session.customRequest(MOTION_REQUEST.moments)) as MomentsResponse;
    const to = await chooseMoment(moments);
    if (to !== undefined) await this.move(MOTION_REQUEST.seek, (): SeekArguments => ({ to }));
  }

  async reverseToCursor(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor === undefined) return;
    const { document, selection: { active } } = editor;
    await this.move(MOTION_REQUEST.reverseToCursor, (threadId) => ({
      threadId, source: sourceOf(document.uri), line: active.line + 1, column: active.character + 1,
    }));
  }

  /** Tells of the stop that the motion leads to, once. */
  private arrivalAfter({ serial }: Stop): vscode.Disposable {
    const listening = this.stops.onDidChange((phase) => {
      if (phase.kind === 'running' || (phase.kind === 'stopped' && phase.stop.serial <= serial)) return;
      listening.dispose();
      if (phase.kind !== 'stopped') return;
      const { description, news } = phase.stop;
      // Words and moment have a place of their own in the status bar.
      if (news === undefined) return;
      if (UNEXPECTED.test(description)) void vscode.window.showInformationMessage(news);
      else vscode.window.setStatusBarMessage(news, STATUS_MILLISECONDS);
    });
    return listening;
  }
}

/** Start, latest moment, or one that is typed: `20120`, `20120.3` for an event of it, `-100` from here. */
async function chooseMoment({ present, first, latest }: MomentsResponse): Promise<SeekArguments['to'] | undefined> {
  const start = { label: '$(debug-reverse-continue) Start of history', description: momentText(first), to: 'start' } as const;
  const end = { label: '$(debug-continue) Latest moment', description: momentText(latest), to: 'end' } as const;
  const typed = { label: '$(history) Another step…', description: `now at ${momentText(present)}`, to: 'typed' } as const;
  const chosen = await vscode.window.showQuickPick([typed, start, end], { title: 'Go to Moment' });
  if (chosen === undefined || chosen.to !== 'typed') return chosen?.to;
  const text = await vscode.window.showInputBox({
    title: 'Go to Moment', value: String(present.step),
    prompt: `A step from ${first.step} on (${latest.step} is the latest that has run), STEP.EVENT, or +N and -N from here`,
    validateInput: (value) => (parseMoment(value, present.step) === undefined ? 'Write a step such as 20120, 20120.3 for its third event, or -100.' : undefined),
  });
  return text === undefined ? undefined : parseMoment(text, present.step);
}

function momentText({ step, event }: MomentsResponse['present']): string {
  return event === 0 ? `step ${step}` : `step ${step}, event ${event}`;
}

/** The thread of the call stack's row that a command was chosen on: VS Code tells it as `thread:SESSION:ID`. */
function threadOf(args: readonly unknown[]): number | undefined {
  for (const arg of args) {
    if (typeof arg === 'number') return arg;
    const threadId = (arg as { readonly threadId?: unknown } | null | undefined)?.threadId;
    const id = typeof threadId === 'number' ? threadId : /:(\d+)$/.exec(typeof threadId === 'string' ? threadId : '')?.[1];
    if (id !== undefined) return Number(id);
  }
  return undefined;
}

/** A document as DAP names it: one that only the session has carries its reference in a `debug:` URI. */
function sourceOf(uri: vscode.Uri): { readonly path?: string; readonly name?: string; readonly sourceReference?: number } {
  if (uri.scheme !== 'debug') return { path: pathOf(uri) };
  const reference = Number(new URLSearchParams(uri.query).get('ref') ?? 0);
  const name = uri.path.replace(/^.*\//, '');
  return reference > 0 ? { name, sourceReference: reference } : { name, path: uri.path };
}
