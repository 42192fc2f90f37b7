import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const program = '/lab/entries.guest';
const text = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  slot = pte_at(p, 0x600000)
  user x = [0x600000]
  user [0x600000] = 1
  x = 2
}
`;

/** Stopped at the line that follows \`slot = …\`, when all tables stand, with the PTE's address. */
async function standing(mmu: string): Promise<{ client: TestClient; address: string }> {
  const client = new TestClient(simulator, { [program]: text });
  await client.start({ program, mmu, lines: [6] });
  await client.stopped();
  const address = String((await client.ask('evaluate', { expression: 'gpa_of(slot)' }))['result']);
  await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [] });
  return { client, address };
}

async function set(client: TestClient, name: string): Promise<DebugProtocol.Breakpoint> {
  const { breakpoints } = await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setFunctionBreakpoints', { breakpoints: [{ name }] });
  const [breakpoint] = breakpoints;
  assert.ok(breakpoint);
  return breakpoint;
}

describe('break on write to an entry', () => {
  for (const mmu of ['native', 'ept', 'shadow-wp']) {
    it(`stops where a walk sets its accessed and its dirty flag, under ${mmu}`, async () => {
      const { client, address } = await standing(mmu);
      assert.deepEqual(await set(client, `write:${address}`).then(({ verified, message }) => [verified, message]), [true, undefined]);
      const flags: string[] = [];
      for (let stops = 0; stops < 2; stops++) {
        const stop = await client.move('continue');
        assert.equal(stop['reason'], 'function breakpoint');
        const by = mmu === 'shadow-wp' ? 'the hypervisor' : 'the processor';
        assert.ok(String(stop['text']).startsWith(`Paused at write:${address}, where ${by} sets its accessed or dirty flag (step `), String(stop['text']));
        flags.push(String((await client.ask('evaluate', { expression: '[slot] & (A | D)' }))['result']));
      }
      assert.deepEqual(flags, ['0x20', '0x60']);
      client.dispose();
    });
  }

  it('by its host-physical address stops there too', async () => {
    const { client } = await standing('ept');
    const address = String((await client.ask('evaluate', { expression: 'hpa_of(slot)' }))['result']);
    assert.equal((await set(client, `write:${address}`)).message, undefined);
    assert.match(String((await client.move('continue'))['text']), /the processor sets its accessed or dirty flag/);
    client.dispose();
  });

  it('is not verified where it can never stop, with the reason', async () => {
    const { client } = await standing('ept');
    for (const [name, message] of [
      ['write:gpa:104000', '"write:gpa:104000" has its address without 0x: write write:gpa:0x104000, as addresses are shown.'],
      ['write:gpa:0x1000000', '"write:gpa:0x1000000" can never stop: gpa:0x1000000 is outside the guest\'s memory, which ends at gpa:0x1000000.'],
      ['write:hpa:0x4000000', '"write:hpa:0x4000000" can never stop: hpa:0x4000000 is outside the host\'s memory, which ends at hpa:0x4000000.'],
    ] as const) {
      const breakpoint = await set(client, name);
      assert.deepEqual([breakpoint.verified, breakpoint.message], [false, message]);
    }
    client.dispose();
  });

  it('set before the guest has booted says at the first stop that its table lies there', async () => {
    const client = new TestClient(simulator, { [program]: text });
    await client.initialize();
    await client.ask('launch', { program, mmu: 'ept', stopOnEntry: true });
    const { id, verified, message } = await set(client, 'write:gpa:0x100000');
    assert.deepEqual([verified, message], [true, 'No known table lies at gpa:0x100000 now: this stops only once one does.']);
    await client.ask('configurationDone');
    await client.stopped();
    assert.deepEqual(client.events('breakpoint').map(({ body }) => body), [{ reason: 'changed', breakpoint: { id, verified: true } }]);
    await client.ask('setFunctionBreakpoints', { breakpoints: [{ name: 'statement' }, { name: 'write:gpa:0x100000' }] });
    await client.move('continue');
    assert.equal(client.events('breakpoint').length, 1);
    client.dispose();
  });

  it('says when no table lies there yet', async () => {
    const { client } = await standing('ept');
    for (const name of ['write:gpa:0xfff000', 'write:hpa:0x3fff000']) {
      const { verified, message } = await set(client, name);
      assert.deepEqual([verified, message], [true, `No known table lies at ${name.slice('write:'.length)} now: this stops only once one does.`]);
    }
    client.dispose();
  });
});
