import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import type { Simulator } from '../../src/adapter/simulator';
import { serveLoopback, type Served } from '../../src/adapter/streams';
import { scriptedSimulator } from './scriptedSimulator';

const scenarios = join(__dirname, '../../scenarios');

/** A DAP client on a real socket; it leaves the server alone. */
async function connected(port: number): Promise<DebugClient> {
  const client = new DebugClient('none', 'none', 'pagewalk');
  await client.start(port);
  return client;
}

async function stoppedAt(client: DebugClient, scenario: string, mmu: string, filter: string): Promise<void> {
  const configured = client.waitForEvent('initialized').then(async () => {
    await client.setExceptionBreakpointsRequest({ filters: [filter] });
    await client.configurationDoneRequest();
  });
  const stop = client.waitForEvent('stopped');
  await Promise.all([configured, client.launch({ program: join(scenarios, `${scenario}.guest`), mmu }), stop]);
}

async function valueOf(client: DebugClient, expression: string): Promise<string> {
  return (await client.evaluateRequest({ expression, context: 'watch' })).body.result;
}

/** Waits until something holds that another end of a socket brings about. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => { setImmediate(resolve); });
}

describe('sessions on one TCP port', () => {
  let served: Served;
  const clients: DebugClient[] = [];
  const client = async (): Promise<DebugClient> => {
    const made = await connected(served.port);
    clients.push(made);
    return made;
  };
  afterEach(async () => {
    for (const each of clients.splice(0)) await each.stop();
    await served.close();
  });

  it('have a machine each: what one does, another does not see', async () => {
    served = await serveLoopback(0);
    const [one, two, three] = [await client(), await client(), await client()];
    await Promise.all([
      stoppedAt(one, 'first-touch', 'shadow-wp', 'hidden-fault'), stoppedAt(two, 'first-touch', 'ept', 'ept-violation'), stoppedAt(three, 'fork', 'native', 'guest-page-fault'),
    ]);
    assert.equal(served.sessions, 3);
    const tops = await Promise.all([one, two, three].map(async (each) => (await each.stackTraceRequest({ threadId: 1 })).body.stackFrames[0]?.name));
    assert.deepEqual(tops, ['handle_page_fault', 'user store [0x600000]', 'cpu 0']);
    const exits = 'total.exits.total';
    const before = [await valueOf(one, exits), await valueOf(three, exits)];
    await two.setExceptionBreakpointsRequest({ filters: [] });
    const over = two.waitForEvent('terminated');
    await two.continueRequest({ threadId: 1 });
    await over;
    assert.deepEqual([await valueOf(one, exits), await valueOf(three, exits)], before);
    await two.disconnectRequest();
    // Its own stop would say good-bye once more, and wait.
    clients.splice(clients.indexOf(two), 1);
    await until(() => served.sessions === 2);
    const back = one.waitForEvent('stopped');
    await one.stepBackRequest({ threadId: 1 });
    await back;
    assert.equal((await three.stackTraceRequest({ threadId: 1 })).body.stackFrames[0]?.name, 'cpu 0');
  });

  it('end with clients that vanish, in the middle of a run or of a message, and take no other with them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pagewalk-'));
    const endless = join(folder, 'endless.guest');
    writeFileSync(endless, 'a\nloop\n');
    let slices = 0;
    const counting: Simulator = {
      ...scriptedSimulator,
      launch: (scenario, mmu) => {
        const launched = scriptedSimulator.launch(scenario, mmu);
        if ('error' in launched) return launched;
        const { debuggee } = launched;
        const slice = debuggee.slice.bind(debuggee);
        debuggee.slice = (expired) => {
          slices++;
          return slice(expired);
        };
        return launched;
      },
    };
    served = await serveLoopback(0, counting);
    const stays = await client();
    await stays.initializeRequest();
    const cut = await raw(served.port);
    cut.write(message({ seq: 1, type: 'request', command: 'initialize', arguments: { adapterID: 'x' } }));
    cut.write('Content-Length: 500\r\n\r\n{"seq":2');
    const runs = await raw(served.port);
    const initialized = heard(runs, '"event":"initialized"');
    runs.write(message({ seq: 1, type: 'request', command: 'initialize', arguments: { adapterID: 'x' } }));
    runs.write(message({ seq: 2, type: 'request', command: 'launch', arguments: { program: endless } }));
    await initialized;
    runs.write(message({ seq: 3, type: 'request', command: 'configurationDone' }));
    await until(() => slices > 2);
    assert.equal(served.sessions, 3);
    runs.destroy();
    cut.destroy();
    await until(() => served.sessions === 1);
    const left = slices;
    // A turn of a run is a timer: this one comes behind it.
    for (let i = 0; i < 3; i++) await new Promise((resolve) => { setTimeout(resolve, 0); });
    assert.equal(slices, left, 'nothing runs on for a client that is gone');
    assert.deepEqual((await stays.threadsRequest()).body.threads, [], 'the one that stays is answered');
    rmSync(folder, { recursive: true });
  });

  it('are refused on a port that is taken, and gone when the server closes', async () => {
    served = await serveLoopback(0);
    await assert.rejects(serveLoopback(served.port), /EADDRINUSE/);
    const socket = await raw(served.port);
    const closed = new Promise((resolve) => { socket.once('close', resolve); });
    await until(() => served.sessions === 1);
    await served.close();
    await closed;
    served = await serveLoopback(0);
  });
});

function raw(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => { resolve(socket); });
    socket.once('error', reject);
    socket.resume();
  });
}

/** Resolves when a piece of text has come in. */
function heard(socket: Socket, text: string): Promise<void> {
  let all = '';
  return new Promise((resolve) => {
    socket.on('data', (bytes: Buffer) => {
      all += bytes.toString('latin1');
      if (all.includes(text)) resolve();
    });
  });
}

function message(body: object): string {
  const text = JSON.stringify(body);
  return `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}
