import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DebugClient } from '@vscode/debugadapter-testsupport';

const root = join(__dirname, '..', '..');
const adapter = join(root, 'dist', 'adapter.js');
const program = join(root, 'scenarios', 'page-table-write.guest');

describe('dist/adapter.js on standard input and output', () => {
  let client: DebugClient;

  before(() => {
    assert.ok(existsSync(adapter), 'dist/adapter.js is missing: run npm run build first.');
  });
  beforeEach(async () => {
    client = new DebugClient('node', adapter, 'pagewalk');
    await client.start();
  });
  afterEach(() => client.stop());

  it('stops at the trapped store, shows the hypervisor above the guest, and steps back', async () => {
    const configured = client.waitForEvent('initialized').then(async () => {
      await client.setExceptionBreakpointsRequest({ filters: ['page-table-write'] });
      await client.configurationDoneRequest();
    });
    const stop = client.waitForEvent('stopped');
    await Promise.all([configured, client.launch({ program, mmu: 'shadow-wp' }), stop]);
    const { body } = await client.stackTraceRequest({ threadId: 1 });
    assert.equal(body.stackFrames[0]?.source?.name, 'shadow-wp.vmm');
    assert.equal(body.stackFrames.at(-1)?.name, 'cpu 0');
    const back = client.waitForEvent('stopped');
    await client.stepBackRequest({ threadId: 1 });
    await back;
    await client.disconnectRequest();
  });

  it('keeps to breakpoints forward and back, steps both ways, and shows the same stack and variables at the same place', async () => {
    const line = readFileSync(program, 'utf8').split('\n').findIndex((text) => text.includes('entry [')) + 1;
    const configured = client.waitForEvent('initialized').then(async () => {
      const { body } = await client.setBreakpointsRequest({ source: { path: program }, breakpoints: [{ line }] });
      assert.deepEqual(body.breakpoints.map(({ verified, line: at }) => [verified, at]), [[true, line]]);
      await client.setExceptionBreakpointsRequest({ filters: [] });
      await client.configurationDoneRequest();
    });
    const entry = client.waitForEvent('stopped');
    await Promise.all([configured, client.launch({ program, mmu: 'shadow-wp', stopOnEntry: true }), entry]);

    const seen = async (): Promise<unknown> => {
      const { stackFrames } = (await client.stackTraceRequest({ threadId: 1 })).body;
      const { scopes } = (await client.scopesRequest({ frameId: stackFrames[0]!.id })).body;
      const locals = await client.variablesRequest({ variablesReference: scopes.find(({ name }) => name === 'Locals')!.variablesReference });
      return [stackFrames.map((frame) => [frame.name, frame.source?.name, frame.line]), locals.body.variables.map(({ name, value }) => [name, value])];
    };
    const moved = async (move: () => Promise<unknown>, reason: string): Promise<unknown> => {
      const stop = client.waitForEvent('stopped');
      await move();
      assert.equal(((await stop).body as { reason: string }).reason, reason);
      return seen();
    };
    const threadId = 1;
    const atLine = await moved(() => client.continueRequest({ threadId }), 'breakpoint');
    assert.deepEqual(atLine, [[['cpu 0', 'page-table-write.guest', line]], [['slot', 'gva:0xffff888000104000']]]);
    const onward = await moved(() => client.nextRequest({ threadId }), 'step');
    assert.notDeepEqual(onward, atLine);
    assert.deepEqual(await moved(() => client.stepBackRequest({ threadId }), 'step'), atLine);
    assert.deepEqual(await moved(() => client.nextRequest({ threadId }), 'step'), onward);
    assert.deepEqual(await moved(() => client.reverseContinueRequest({ threadId }), 'breakpoint'), atLine);

    const over = client.waitForEvent('terminated');
    await client.terminateRequest();
    await over;
    await client.disconnectRequest();
  });

  it('runs to the end and says so', async () => {
    await client.initializeRequest();
    const ended = client.waitForEvent('exited');
    const initialized = client.waitForEvent('initialized');
    await client.launchRequest({ program, mmu: 'ept' } as object);
    await initialized;
    await client.configurationDoneRequest();
    const event = await ended;
    assert.equal((event.body as { exitCode: number }).exitCode, 0);
    await client.disconnectRequest();
  });
});
