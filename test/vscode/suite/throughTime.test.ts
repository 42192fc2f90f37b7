import { strict as assert } from 'node:assert';
import * as vscode from 'vscode';
import { endSession } from './endSession';

/** What is stepped through: the event that a function breakpoint stops at, and a frame or line that one must see there. */
const journeys = [
  { about: 'a shadow fault', scenario: 'first-touch.guest', mmu: 'shadow-wp', event: 'hidden_fault', sees: 'shadow-wp.vmm' },
  { about: 'a trapped page-table write', scenario: 'page-table-write.guest', mmu: 'shadow-wp', event: 'page_table_write_trapped', sees: 'emulate_page_table_write' },
  { about: 'an EPT violation', scenario: 'first-touch.guest', mmu: 'ept', event: 'ept_violation', sees: 'user store' },
  { about: 'a shootdown between two vCPUs', scenario: 'shootdown-race.guest', mmu: 'ept', event: 'ipi', sees: 'shootdown' },
] as const;
const LINES = 2;
const EVENTS = 5;

interface Frames { readonly stackFrames: readonly { readonly name: string; readonly line: number; readonly source?: { readonly name?: string } }[] }

/** A session that VS Code has started, and the stops that its adapter reports. */
class Session implements vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<string>();
  /** The one that was started: for a moment the active one may still be the one before it. */
  private started: vscode.DebugSession | undefined;
  private readonly registration = vscode.debug.registerDebugAdapterTrackerFactory('pagewalk', {
    createDebugAdapterTracker: (session) => {
      this.started = session;
      return {
        onDidSendMessage: (message: { type: string; event: string; body?: { reason?: string } }) => {
          if (message.type === 'event' && message.event === 'stopped') this.emitter.fire(message.body?.reason ?? '');
        },
      };
    },
  });

  /** Why it stops next. */
  stop(): Promise<string> {
    return new Promise((resolve) => {
      const subscription = this.emitter.event((reason) => {
        subscription.dispose();
        resolve(reason);
      });
    });
  }

  async move(command: string, args: object = {}): Promise<void> {
    const stopped = this.stop();
    await this.own.customRequest(command, { threadId: 1, ...args });
    await stopped;
  }

  /** Every thread's frames, as the Call Stack view lists them. */
  async seen(): Promise<string> {
    const { threads } = (await this.own.customRequest('threads')) as { threads: readonly { readonly id: number; readonly name: string }[] };
    const texts: string[] = [];
    for (const { id, name } of threads) {
      const { stackFrames } = (await this.own.customRequest('stackTrace', { threadId: id })) as Frames;
      texts.push(name, ...stackFrames.map((frame) => `  ${frame.name} ${frame.source?.name ?? ''}:${frame.line}`));
    }
    return texts.join('\n');
  }

  private get own(): vscode.DebugSession {
    assert.ok(this.started, 'a session has been started');
    return this.started;
  }

  dispose(): void {
    this.registration.dispose();
    this.emitter.dispose();
  }
}

describe('through time in the extension host', function () {
  this.timeout(120_000);
  let session: Session;
  beforeEach(() => { session = new Session(); });
  afterEach(async () => {
    if (vscode.debug.breakpoints.length > 0) vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    await endSession();
    session.dispose();
  });

  for (const { about, scenario, mmu, event, sees } of journeys) {
    it(`${about}: forward by events and by lines, and back the same way`, async () => {
      const [folder] = vscode.workspace.workspaceFolders ?? [];
      assert.ok(folder);
      vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint(event)]);
      const stopped = session.stop();
      const program = vscode.Uri.joinPath(folder.uri, scenario).fsPath;
      assert.equal(await vscode.debug.startDebugging(folder, { type: 'pagewalk', request: 'launch', name: about, program, mmu }), true);
      assert.equal(await stopped, 'function breakpoint');
      vscode.debug.removeBreakpoints(vscode.debug.breakpoints);

      const past = [await session.seen()];
      assert.ok(past[0]?.includes(sees), past[0]);
      for (let i = 0; i < EVENTS; i++) {
        await session.move('next', { granularity: 'instruction' });
        past.push(await session.seen());
      }
      assert.ok(new Set(past).size > 2, 'one sees that something happens');
      for (let i = EVENTS - 1; i >= 0; i--) {
        await session.move('stepBack', { granularity: 'instruction' });
        assert.equal(await session.seen(), past[i], `${i} events behind the stop`);
      }
      // By lines, out of an access that is under way, one comes back to its statement.
      const statement = (text: string): string | undefined => text.split('\n').at(-1);
      for (let line = 0; line < LINES; line++) await session.move('next');
      for (let line = 0; line < LINES; line++) await session.move('stepBack');
      assert.equal(statement(await session.seen()), statement(past[0] ?? ''));
    });
  }
});
