import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const program = '/lab/pages.guest';
/** 130 pages are touched: more than a client asks for at once. */
const text = `machine { paging 4-level, ram 16M, mmu ept }
process p { 0x600000 .. 0x700000 rw user }

cpu 0 {
  switch(p)
  for i in 0 .. 130 { user [0x600000 + i * 4096] = i }
  done = 1
}
`;

type Variables = readonly DebugProtocol.Variable[];

async function scopesOf(client: TestClient): Promise<readonly DebugProtocol.Scope[]> {
  return (await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: (await client.top()).id })).scopes;
}

async function children(client: TestClient, variablesReference: number, part: object = {}): Promise<Variables> {
  return (await client.ask<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference, ...part })).variables;
}

describe('scopes of the machine below the guest', () => {
  it('stand behind the registers, and VM Exit directly behind the locals', async () => {
    const client = new TestClient(simulator, { [program]: text });
    await client.start({ program, filters: ['ept-violation'] });
    await client.stopped();
    const names = (await scopesOf(client)).map(({ name }) => name);
    assert.deepEqual(names.slice(1), ['VM Exit', 'Globals', 'Translation', 'Registers', 'TLB', 'Tables', 'Hypervisor', 'Host', 'Counters']);
    const exit = await children(client, (await scopesOf(client))[1]!.variablesReference);
    assert.equal(exit[0]!.value, '48 EPT violation');
    for (const row of exit) assert.deepEqual(row.presentationHint?.attributes, ['readOnly']);
    assert.match(exit.find(({ name }) => name === 'guest-physical address')!.memoryReference ?? '', /^gpa:0x/);
    await client.ask('disconnect');
  });

  it('show numbers as the client wants them: counts in hex, registers in decimal, addresses as they are', async () => {
    const client = new TestClient(simulator, { [program]: text });
    await client.start({ program, lines: [7], filters: [] });
    await client.stopped();
    const rowOf = async (scope: string, name: string, format?: object): Promise<string> => {
      const { variablesReference } = (await scopesOf(client)).find((each) => each.name === scope)!;
      return (await children(client, variablesReference, { format })).find((row) => row.name === name)!.value;
    };
    const count = Number(await rowOf('Counters', 'statements'));
    assert.equal(await rowOf('Counters', 'statements', { hex: true }), `0x${count.toString(16)}`);
    assert.equal(await rowOf('Registers', 'cr4'), '0x20 PAE');
    assert.equal(await rowOf('Registers', 'cr4', { hex: false }), '32 PAE');
    assert.match(await rowOf('Registers', 'cr3', { hex: false }), /^gpa:0x/);
    await client.ask('disconnect');
  });

  it('give a large container by parts, as they are asked for', async () => {
    const client = new TestClient(simulator, { [program]: text });
    await client.start({ program, lines: [7], filters: [] });
    await client.stopped();
    const host = (await scopesOf(client)).find(({ name }) => name === 'Host')!;
    const frames = (await children(client, host.variablesReference)).find(({ name }) => name === 'frames in use')!;
    const count = frames.indexedVariables!;
    assert.equal(count, Number(frames.value));
    assert.ok(count > 130, `${count} frames`);
    const reference = frames.variablesReference;
    const all = await children(client, reference);
    assert.equal(all.length, count);
    assert.deepEqual(await children(client, reference, { filter: 'named' }), []);
    const names = (rows: Variables): readonly string[] => rows.map(({ name }) => name);
    assert.deepEqual(names(await children(client, reference, { filter: 'indexed', start: 100, count: 20 })), names(all.slice(100, 120)));
    assert.deepEqual(await children(client, reference, { filter: 'indexed', start: count, count: 100 }), []);
    for (const odd of [{ start: -5, count: 3 }, { start: 0.5, count: 3 }]) assert.deepEqual(names(await children(client, reference, odd)), names(all.slice(0, 3)));
    for (const odd of [{ start: 2 ** 60 }, { start: count + 1, count: -1 }]) assert.deepEqual(await children(client, reference, odd), [], JSON.stringify(odd));
    assert.deepEqual(names(await children(client, host.variablesReference, { start: 1, count: 2 })), ['free frames', 'guest pages'], 'rows with names come by parts too');
    assert.equal(all[0]!.memoryReference, all[0]!.name, 'a frame can be looked at in memory');
    await client.ask('disconnect');
  });
});
