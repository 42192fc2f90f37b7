import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
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
