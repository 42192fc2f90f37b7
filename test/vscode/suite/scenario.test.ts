import { strict as assert } from 'node:assert';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { endSession } from './endSession';

/** Of test/vscode/workspace/two-stores.guest. */
const FIRST_STORE = 10;

function scenario(name: string): vscode.Uri {
  const extension = vscode.extensions.getExtension('pagewalk.pagewalk');
  assert.ok(extension, 'the extension pagewalk.pagewalk is loaded');
  return vscode.Uri.joinPath(extension.extensionUri, 'test', 'vscode', 'workspace', name);
}

/** Resolves with the first value of an event that satisfies `wanted`. */
function next<T>(event: vscode.Event<T>, wanted: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const subscription = event((value) => {
      if (!wanted(value)) return;
      subscription.dispose();
      resolve(value);
    });
  });
}

/** What the adapter reports, as VS Code receives it. */
class AdapterEvents implements vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<{ event: string; body?: { reason?: string; text?: string } }>();
  private readonly registration = vscode.debug.registerDebugAdapterTrackerFactory('pagewalk', {
    createDebugAdapterTracker: () => ({
      onDidSendMessage: (message: { type: string; event: string }) => {
        if (message.type === 'event') this.emitter.fire(message);
      },
    }),
  });

  next(event: string): Promise<{ event: string; body?: { reason?: string; text?: string } }> {
    return next(this.emitter.event, (message) => message.event === event);
  }

  dispose(): void {
    this.registration.dispose();
    this.emitter.dispose();
  }
}

describe('a scenario in the extension host', () => {
  let events: AdapterEvents;
  beforeEach(() => {
    events = new AdapterEvents();
  });
  afterEach(async () => {
    await endSession();
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    events.dispose();
  });

  it('is a document of the language guest', async () => {
    const document = await vscode.workspace.openTextDocument(scenario('two-stores.guest'));
    assert.equal(document.languageId, 'guest');
  });

  it('has its mistakes marked on their lines when it is opened', async () => {
    const uri = scenario('unknown-name.guest');
    const marked = next(vscode.languages.onDidChangeDiagnostics, ({ uris }) =>
      uris.some(
        (changed) => changed.toString() === uri.toString() && vscode.languages.getDiagnostics(uri).length > 0,
      ),
    );
    await vscode.window.showTextDocument(uri);
    await marked;
    const [mistake] = vscode.languages.getDiagnostics(uri);
    assert.equal(mistake?.range.start.line, 4);
    assert.match(mistake.message, /nobody/);
    assert.equal(mistake.severity, vscode.DiagnosticSeverity.Error);
  });

  it('stops at a breakpoint, answers what is asked of it, and runs to its end', async () => {
    const uri = scenario('two-stores.guest');
    const at = new vscode.Location(uri, new vscode.Position(FIRST_STORE - 1, 0));
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(at)]);

    const stopped = events.next('stopped');
    const configuration = {
      type: 'pagewalk',
      request: 'launch',
      name: path.basename(uri.path),
      program: uri.fsPath,
    };
    assert.equal(await vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], configuration), true);
    assert.equal((await stopped).body?.reason, 'breakpoint');

    const session = vscode.debug.activeDebugSession;
    assert.ok(session, 'a session is active');
    const stack = (await session.customRequest('stackTrace', { threadId: 1 })) as {
      stackFrames: { line: number }[];
    };
    assert.equal(stack.stackFrames[0]?.line, FIRST_STORE);
    const tables = (await session.customRequest('pagewalk/tables', { space: 'guest' })) as { nodes: unknown[] };
    assert.ok(tables.nodes.length > 0, 'the guest has tables');

    const terminated = next(vscode.debug.onDidTerminateDebugSession, ({ id }) => id === session.id);
    await session.customRequest('continue', { threadId: 1 });
    await terminated;
  });

  it('stops at its first statement where all breakpoints are of another scenario', async () => {
    const uri = scenario('two-stores.guest');
    await vscode.window.showTextDocument(uri);
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(new vscode.Location(scenario('unknown-name.guest'), new vscode.Position(4, 0)))]);
    const stopped = events.next('stopped');
    await vscode.commands.executeCommand('pagewalk.debugScenario', uri);
    assert.equal((await stopped).body?.reason, 'entry');
  });

  it('is led back to its VM exit, and out of that, by commands of its own', async () => {
    const uri = scenario('two-stores.guest');
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(new vscode.Location(uri, new vscode.Position(FIRST_STORE, 0)))]);
    const stopped = events.next('stopped');
    const configuration = { type: 'pagewalk', request: 'launch', name: path.basename(uri.path), program: uri.fsPath };
    assert.equal(await vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], configuration), true);
    await stopped;
    const session = vscode.debug.activeDebugSession;
    assert.ok(session, 'a session is active');
    const after = async (command: string): Promise<readonly [string | undefined, string | undefined, number | undefined]> => {
      const stop = events.next('stopped');
      await vscode.commands.executeCommand(command);
      const { body } = await stop;
      const { stackFrames } = (await session.customRequest('stackTrace', { threadId: 1 })) as { stackFrames: { name: string; line: number }[] };
      return [body?.text?.replace(/ \(step.*/, ''), stackFrames[0]?.name, stackFrames[0]?.line];
    };
    assert.deepEqual(await after('pagewalk.previousExit'), ['Went back to the last VM exit of this CPU', 'user store [0x600000]', FIRST_STORE]);
    assert.deepEqual(await after('pagewalk.reverseStepOut'), ['Went back to where this began', 'cpu 0', FIRST_STORE]);
    assert.deepEqual(await after('pagewalk.stepOverAlone'), ['Stepped', 'cpu 0', FIRST_STORE + 1]);
  });

  it('that does not compile is refused by F5, on the line of its mistake, and nothing stays running', async () => {
    const configuration = {
      type: 'pagewalk',
      request: 'launch',
      name: 'unknown-name',
      program: scenario('unknown-name.guest').fsPath,
    };
    const started = await vscode.debug
      .startDebugging(vscode.workspace.workspaceFolders?.[0], configuration)
      .then((value) => String(value), String);
    assert.notEqual(started, 'true');
    assert.match(vscode.window.activeTextEditor?.document.fileName ?? '', /unknown-name\.guest$/);
    assert.equal(vscode.window.activeTextEditor?.selection.active.line, 4);
    assert.equal(vscode.debug.activeDebugSession, undefined);
  });
});
