import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { TestClient } from './client';
import { scriptedSimulator } from './scriptedSimulator';

const program = '/lab/script.guest';
const client = (text: string, more: Record<string, string> = {}): TestClient =>
  new TestClient(scriptedSimulator, { [program]: text, ...more });

describe('a session answers', () => {
  it('requests that come before initialize with an error, and lives on', async () => {
    const c = client('a');
    assert.match(await c.refused('launch', { program }), /^"launch" cannot be answered while the session is not initialized/);
    assert.match(await c.refused('stackTrace', { threadId: 1 }), /not initialized/);
    await c.initialize();
  });

  it('a second initialize and a second launch with an error', async () => {
    const c = client('loop');
    await c.start({ program });
    assert.match(await c.refused('initialize', {}), /session is running/);
    assert.match(await c.refused('launch', { program }), /session is running/);
    await c.ask('disconnect');
  });

  it('unknown requests with an error that names them, and names of built-in properties too', async () => {
    const c = client('a');
    await c.initialize();
    assert.equal(await c.refused('dance'), 'Pagewalk does not know the request "dance".');
    assert.match(await c.refused('constructor'), /does not know/);
    assert.match(await c.refused('terminateThreads', {}), /does not know/);
  });

  it('missing arguments with an error that names them', async () => {
    const c = client('a\nb');
    await c.start({ program, lines: [1] });
    await c.event('stopped');
    assert.equal(await c.refused('next', {}), '"next" needs the argument "threadId" as a number.');
    assert.equal(await c.refused('stackTrace'), '"stackTrace" needs the argument "threadId" as a number.');
    assert.equal(await c.refused('evaluate', { expression: 5 }), '"evaluate" needs the argument "expression" as text.');
  });

  it('disconnect in every phase, and twice', async () => {
    const fresh = client('a');
    await fresh.ask('disconnect');
    await fresh.ask('disconnect');
    assert.match(await fresh.refused('initialize'), /after the session was disconnected/);

    const running = client('loop');
    await running.start({ program });
    await running.ask('disconnect');
    await running.ask('disconnect');
    assert.equal(running.events('terminated').length, 1);
  });

  it('disconnect that comes while the scenario is being read', async () => {
    const c = client('a');
    await c.initialize();
    const launch = c.refused('launch', { program });
    await c.ask('disconnect');
    assert.match(await launch, /after the session was disconnected/);
    assert.equal(c.events('initialized').length, 0);
  });

  it("a mistake of the engine's own with one logged message, and ends the run", async () => {
    const c = client('a\nbug\nb');
    await c.start({ program });
    await c.event('terminated');
    assert.match(c.output, /please report this: Error: the script asked for a bug/);
  });
});

describe('a launch', () => {
  it('fails with FILE:LINE:COL and tells every error on its line', async () => {
    const c = client('a\nerror The first is wrong.\nerror The second too.');
    await c.initialize();
    assert.equal(
      await c.refused('launch', { program }),
      `${program}:2:1: The first is wrong. (and 1 more, see the debug console)`,
    );
    const lines = c.events('output').map(({ body }) => body?.['line']);
    assert.deepEqual(lines, [2, 3]);
    await c.event('terminated');
  });

  it('fails with one sentence when the program is missing, unreadable, or the technique unknown', async () => {
    const missing = client('a');
    await missing.initialize();
    assert.match(await missing.refused('launch', {}), /names no scenario: set "program"/);
    const unreadable = client('a');
    await unreadable.initialize();
    assert.equal(
      await unreadable.refused('launch', { program: '/nowhere.guest' }),
      '/nowhere.guest cannot be read: check "program" in the launch configuration.',
    );
    const technique = client('a');
    await technique.initialize();
    assert.equal(await technique.refused('launch', { program, mmu: 'magic' }), '"magic" is no technique.');
  });

  it('reads what the scenario imports, beside it', async () => {
    const c = client('import "other.guest"\nloop', { '/lab/other.guest': 'b' });
    await c.start({ program });
    await c.ask('disconnect');
    const lost = client('import "lost.guest"\na');
    await lost.initialize();
    assert.match(await lost.refused('launch', { program }), /"lost.guest" cannot be read/);
  });

  it('takes a URI as the program, and gives it back in frames', async () => {
    const uri = 'vscode-vfs://github/lab/script.guest';
    const c = new TestClient(scriptedSimulator, { [uri]: 'a\nb' });
    await c.start({ program: uri, lines: [2] });
    await c.event('stopped');
    assert.equal((await c.top()).source?.path, uri);
  });

  it('without debugging stops nowhere', async () => {
    const c = client('a\nb');
    await c.start({ program, lines: [2], noDebug: true });
    await c.event('terminated');
    assert.equal(c.events('stopped').length, 0);
  });
});

describe('lines and columns', () => {
  it('are counted from 0 for a client that says so', async () => {
    const c = client('a\nb\nc');
    await c.initialize({ linesStartAt1: false, columnsStartAt1: false });
    await c.ask('launch', { program });
    await c.event('initialized');
    const { breakpoints } = await c.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setBreakpoints', {
      source: { path: program },
      breakpoints: [{ line: 1 }],
    });
    assert.deepEqual(breakpoints.map(({ line, column }) => [line, column]), [[1, 0]]);
    await c.ask('configurationDone');
    await c.event('stopped');
    assert.equal((await c.top()).line, 1);
  });
});

describe('a scenario that runs for ever', () => {
  it('is paused and stepped no further, and ended by disconnect', async () => {
    const c = client('a\nloop');
    await c.start({ program });
    assert.match(await c.refused('stackTrace', { threadId: 1 }), /only while the scenario is stopped/);
    const since = c.received.length;
    await c.ask('pause', { threadId: 1 });
    assert.equal((await c.stopped(since))['reason'], 'pause');
    await c.ask('continue', { threadId: 1 });
    await c.ask('disconnect');
    assert.equal(c.events('terminated').length, 1);
  });

  it('is ended by terminate', async () => {
    const c = client('loop');
    await c.start({ program });
    await c.ask('terminate');
    await c.event('terminated');
    assert.equal(c.events('exited').length, 0);
  });
});

describe('order', () => {
  it('the response to a motion goes out before the stop it leads to', async () => {
    const c = client('a\nb\nc\nd\ne');
    await c.start({ program, lines: [1] });
    await c.event('stopped');
    for (const command of ['next', 'stepIn', 'stepOut', 'stepBack', 'continue']) {
      const since = c.received.length;
      const answered = c.request(command, { threadId: 1 });
      await Promise.race([c.event('stopped', since), c.event('terminated', since)]);
      await answered;
      assert.equal(c.received[since]?.type, 'response', command);
    }
  });

  it('initialized comes after the response to launch', async () => {
    const c = client('a');
    await c.initialize();
    await c.ask('launch', { program });
    await c.event('initialized');
    const kinds = c.received.map((message) => ('event' in message ? message.event : (message as DebugProtocol.Response).command));
    assert.deepEqual(kinds, ['initialize', 'launch', 'initialized']);
  });
});

describe('what a client keeps from an earlier stop', () => {
  it('is refused by name: frames and variables', async () => {
    const c = client('a\nb\nc');
    await c.start({ program, lines: [1] });
    await c.event('stopped');
    const frame = await c.top();
    const { scopes } = await c.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: frame.id });
    const reference = scopes[0]?.variablesReference;
    await c.ask('variables', { variablesReference: reference });
    await c.move('next');
    assert.match(await c.refused('scopes', { frameId: frame.id }), /belongs to an earlier stop/);
    assert.match(await c.refused('evaluate', { expression: '1', frameId: frame.id }), /belongs to an earlier stop/);
    assert.match(await c.refused('variables', { variablesReference: reference }), /belongs to an earlier stop/);
    await c.move('stepBack');
    assert.match(await c.refused('variables', { variablesReference: reference }), /belongs to an earlier stop/);
  });
});

describe('a run ends', () => {
  it('with output on its lines, a summary, exited and terminated', async () => {
    const c = client('print hello\nfail 1 == 2 does not hold');
    await c.start({ program });
    await c.event('terminated');
    assert.deepEqual(
      c.events('output').map(({ body }) => [body?.['category'], body?.['output'], body?.['line']]),
      [
        ['stdout', 'hello\n', 1],
        ['stderr', '1 == 2 does not hold\n', 2],
        ['important', 'script.guest under scripted: 1 expectation held, 1 failed.\n', undefined],
      ],
    );
    assert.deepEqual(c.events('exited').map(({ body }) => body), [{ exitCode: 1 }]);
    assert.match(await c.refused('continue', { threadId: 1 }), /the session is over/);
    await c.ask('disconnect');
    assert.equal(c.events('terminated').length, 1);
  });

  it('is restarted from what the file says now, breakpoints kept', async () => {
    const files: Record<string, string> = { [program]: 'a\nb\nc' };
    const c = new TestClient(scriptedSimulator, files);
    await c.start({ program, lines: [2] });
    await c.event('stopped');
    files[program] = 'a\n\nb\nc';
    const since = c.received.length;
    await c.ask('restart', {});
    await c.stopped(since);
    assert.equal((await c.top()).line, 3);
    files[program] = 'error Broken by an edit.';
    assert.match(await c.refused('restart', {}), /Broken by an edit/);
    assert.equal((await c.top()).line, 3, 'a scenario that no longer compiles leaves the session where it was');
  });
});

describe('a loop of prints', () => {
  it('does not flood the console: what is left out is counted', async () => {
    const long = 'x'.repeat(20_000);
    const c = client(Array.from({ length: 100 }, () => `print ${long}`).join('\n'));
    await c.start({ program });
    await c.event('terminated');
    assert.match(c.output, /\d+ lines of output were left out/);
    assert.ok(c.output.length < 600_000);
  });
});
