import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const program = '/lab/rows.guest';
const text = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x602000 rw user }
global shared = 5

cpu 0 {
  switch(p)
  count = 3
  user [0x600000] = count
  user [0x601000] = count
  user [0x700000] = 1
}
`;
const AT_STORE = 8;

type Variable = DebugProtocol.Variable;

async function started(mmu: string, filters: readonly string[]): Promise<TestClient> {
  const client = new TestClient(simulator, { [program]: text });
  await client.start({ program, mmu, lines: [AT_STORE], filters });
  await client.stopped();
  return client;
}

async function children(client: TestClient, variablesReference: number): Promise<readonly Variable[]> {
  return (await client.ask<{ variables: Variable[] }>('variables', { variablesReference })).variables;
}

async function scopes(client: TestClient): Promise<readonly DebugProtocol.Scope[]> {
  return (await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: (await client.top()).id })).scopes;
}

async function scope(client: TestClient, name: string): Promise<number> {
  return (await scopes(client)).find((each) => each.name === name)!.variablesReference;
}

function isReadOnly({ presentationHint }: Variable): boolean {
  return presentationHint?.attributes?.includes('readOnly') === true;
}

/** The row at the end of a way through the scopes. */
async function rowAt(client: TestClient, reference: number, [name, ...more]: readonly RegExp[]): Promise<{ reference: number; row: Variable }> {
  const row = (await children(client, reference)).find((each) => name!.test(each.name))!;
  return more.length === 0 ? { reference, row } : rowAt(client, row.variablesReference, more);
}

describe('rows that can be edited, and those that say they cannot', () => {
  const stops = [
    ['shadow-wp', 'hidden-fault'], ['ept', 'ept-violation'], ['nested', 'ept-violation'], ['deprivileged', 'hidden-fault'], ['native', 'guest-page-fault'],
  ] as const;
  for (const [mmu, filter] of stops) {
    it(`under ${mmu}, between steps, inside one and where the run is over, a row takes its own text back or is read-only`, async () => {
      const client = await started(mmu, [filter]);
      const check = async (reference: number, depth: number): Promise<number> => {
        const rows = (await children(client, reference)).slice(0, 8);
        let tried = rows.length;
        for (const row of rows) {
          const set = await client.request('setVariable', { variablesReference: reference, name: row.name, value: row.value });
          assert.equal(set.success, !isReadOnly(row), `${row.name} = ${row.value}: ${set.message ?? ''}`);
          if (set.success) assert.equal((set.body as Variable).value, row.value, row.name);
          if (row.variablesReference !== 0 && depth > 0) tried += await check(row.variablesReference, depth - 1);
        }
        return tried;
      };
      const checkAll = async (): Promise<void> => {
        let tried = 0;
        for (const { variablesReference } of await scopes(client)) tried += await check(variablesReference, 4);
        assert.ok(tried > 50);
      };
      await checkAll();
      assert.equal((await client.move('continue'))['reason'], 'exception');
      await checkAll();
      await client.ask('setExceptionBreakpoints', { filters: [] });
      assert.match(String((await client.move('continue'))['text']), /^The run cannot go on/);
      await checkAll();
      await client.ask('disconnect');
    });
  }

  it('a register row inside an instruction is read-only, and who sets it all the same is told why and where it could be', async () => {
    const client = await started('ept', ['ept-violation']);
    await client.move('continue');
    const variablesReference = await scope(client, 'Registers');
    for (const row of await children(client, variablesReference)) assert.ok(isReadOnly(row), row.name);
    assert.match(await client.refused('setVariable', { variablesReference, name: 'rax', value: '1' }), /^An instruction is under way, and cpu 0 keeps its registers until it is over: step out/);
    assert.deepEqual((await client.ask('dataBreakpointInfo', { variablesReference, name: 'cr3' }))['dataId'], 'value:0:cr3', 'and it can still be watched');
    await client.ask('disconnect');
  });

  it('an entry takes the line it is shown in, with flags taken away or added, or leading elsewhere', async () => {
    const client = await started('ept', []);
    const way = [/^guest tables/, /process p/, /^PML4E 0/, /^table/, /^PDPTE 0/, /^table/, /^PDE 3/, /^table/, /^PTE 0$/];
    const { reference, row } = await rowAt(client, await scope(client, 'Tables'), way);
    assert.match(row.value, /^P RW US XD → gpa:0x/);
    const set = async (value: string): Promise<string> => String((await client.ask('setVariable', { variablesReference: reference, name: 'PTE 0', value }))['value']);
    const refused = (value: string): Promise<string> => client.refused('setVariable', { variablesReference: reference, name: 'PTE 0', value });
    assert.equal(await set(row.value), row.value);
    assert.equal(await set(row.value.replace('RW ', '')), row.value.replace('RW ', ''));
    assert.equal(await set('P RW US D -> gpa:0x4000 + 0x1000'), 'P RW US D → gpa:0x5000');
    assert.match(await refused('P RW USR → gpa:0x5000'), /^`USR` is no flag of a PTE: it has P, RW, US, XD, A, D,/);
    assert.match(await refused('P RW → gpa:0x5008'), /^0x5008 does not fit: bits 51:12 of the entry hold an address with no other bits/);
    assert.match(await refused('P RW → hpa:0x5000'), /^The entry leads to an address of gpa, and hpa:0x5000 is one of hpa: give it one of gpa\.$/);
    assert.match(await client.refused('setVariable', { variablesReference: row.variablesReference, name: 'frame', value: 'gva:0x5000' }), /^The entry leads to an address of gpa, and gva:0x5000/);
    assert.equal(await set('0x7'), 'P RW US → gpa:0x0');
    assert.equal(await set('0x5006'), 'not present');
    assert.equal(await set('not present'), 'not present', 'its own text, of an entry that is not zero');
    const { data } = await client.ask<{ data: string }>('readMemory', { memoryReference: row.memoryReference, count: 8 });
    assert.equal(Buffer.from(data, 'base64').readBigUInt64LE(), 0x5006n);
    assert.equal(await set('0'), 'not present', 'though an entry of zero has no row any more');
    await client.ask('disconnect');
  });

  it('an entry on the list of a reverse map takes its line too, and is shown as it is then', async () => {
    const client = await started('shadow-wp', []);
    await client.move('next');
    const { reference, row } = await rowAt(client, await scope(client, 'Hypervisor'), [/^reverse maps/, /^gpa:0x101000/, /^\[0\]/]);
    const wanted = row.value.replace(' RW', '');
    assert.notEqual(wanted, row.value);
    assert.equal((await client.ask('setVariable', { variablesReference: reference, name: '[0]', value: wanted }))['value'], wanted);
    assert.deepEqual((await children(client, reference)).map(({ value }) => value), [wanted]);
    await client.ask('disconnect');
  });
});
