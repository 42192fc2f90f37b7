import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const program = '/lab/watched.guest';
const text = `machine { paging 4-level, ram 16M, mmu shadow-wp }
process p { 0x600000 .. 0x602000 rw user }
cpu 0 {
  switch(p)
  early = 1
  user [0x600000] = early
  slot = pte_at(p, 0x600000)
  entry [slot] = entry [slot] & ~RW
  late = 2
}
`;

async function started(mmu: string, more: object = {}): Promise<TestClient> {
  const client = new TestClient(simulator, { [program]: text });
  await client.start({ program, mmu, ...more });
  await client.stopped();
  return client;
}

async function value(client: TestClient, expression: string): Promise<string> {
  const frame = await client.top();
  return String((await client.ask('evaluate', { expression, frameId: frame.id, context: 'watch' }))['result']);
}

async function refusal(client: TestClient, expression: string): Promise<string> {
  const frame = await client.top();
  return client.refused('evaluate', { expression, frameId: frame.id, context: 'watch' });
}

describe('a watch of a walk', () => {
  const looked = async (expression: string, mmu = 'shadow-wp'): Promise<string[]> => {
    const client = await started(mmu, { lines: [8] });
    const { result, variablesReference } = await client.ask<DebugProtocol.EvaluateResponse['body']>('evaluate', { expression, frameId: (await client.top()).id, context: 'watch' });
    const { variables } = await client.ask<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference });
    for (const { name, evaluateName, value: shown } of variables) {
      if (evaluateName?.startsWith('walk(') === true) assert.equal(await value(client, evaluateName), shown, name);
    }
    client.dispose();
    return [result, ...variables.map(({ name, value: shown }) => `${name} = ${shown}`)];
  };

  it('is where the address leads, with each space on the way and each field below it', async () => {
    const [result, ...rows] = await looked('walk(early + 0x600000 - 1)');
    assert.match(result ?? '', /^gpa:0x[0-9a-f]+ {2}by PML4E 0, PDPTE 0, PDE 3, PTE 0$/);
    const names = ['gva', 'gpa', 'hva', 'hpa', 'shadow', 'TLB', 'fault', 'references', 'size', 'frame', 'user', 'writable', 'executable', 'pte', 'pde', 'pdpte', 'pml4e'];
    assert.deepEqual(rows.map((row) => row.split(' = ')[0]), names);
    assert.ok(rows.includes('size = 0x1000') && rows.includes('fault = false'), rows.join('\n'));
  });

  it('of what is not mapped is the reason', async () => {
    const [result, ...rows] = await looked('walk(0x900000)', 'ept');
    assert.match(result ?? '', /PDE 4|PDE/);
    assert.ok(rows.includes('fault = true'), rows.join('\n'));
  });

  it('is nothing that one can compute with', async () => {
    const client = await started('ept', { lines: [8] });
    assert.match(await refusal(client, 'walk(0x600000) + (1)'), /A walk has no value of its own/);
    assert.match(await refusal(client, 'walk(nowhere)'), /There is no `nowhere` here/);
    client.dispose();
  });
});

describe('a watch in a frame of a listing', () => {
  let client: TestClient;
  let values: DebugProtocol.Variable[];

  before(async () => {
    client = await started('shadow-wp', { filters: ['page-table-write'] });
    const { scopes } = await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: (await client.top()).id });
    ({ variables: values } = await client.ask<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference: scopes[0]?.variablesReference }));
  });
  after(() => { client.dispose(); });

  const shown = (name: string): string => values.find((each) => each.name === name)?.value ?? `${name} is not shown`;

  it('computes with the values of its line', async () => {
    const gva = BigInt(shown('gva').slice('gva:'.length));
    assert.equal(await value(client, 'gva + 8'), `gva:0x${(gva + 8n).toString(16)}`);
    assert.equal(await value(client, 'error_code & 2'), '0x2');
    assert.equal(await value(client, `gva == ${shown('gva')}`), 'true');
    assert.equal(await value(client, 'gva == gva:0x10'), 'false');
    assert.equal(await value(client, '[gva] & P'), '0x1', 'a linear address among them can be looked through');
  });
  it('still sees the guest and the machine', async () => {
    assert.equal(await value(client, 'early + error_code - error_code'), '0x1');
    assert.match(await value(client, 'cr3'), /^gpa:0x/);
  });
  it('tells a value that the line has not set yet', async () => {
    const unset = ['gpa', 'hpa'].find((name) => !values.some((each) => each.name === name));
    assert.ok(unset, 'some value is not set yet at the first line');
    assert.equal(await refusal(client, `${unset} + 8`), `\`${unset}\` has no value yet.`);
  });
});

describe('a condition on a line of a listing', () => {
  async function hit(condition: string): Promise<Record<string, unknown> | undefined> {
    const client = await started('shadow-wp', { stopOnEntry: true });
    const { sources } = await client.ask<{ sources: DebugProtocol.Source[] }>('loadedSources');
    const source = sources.find(({ name }) => name === 'shadow-wp.vmm');
    const { content } = await client.ask<{ content: string }>('source', { source, sourceReference: source?.sourceReference });
    const line = content.split('\n').findIndex((each) => each.startsWith('handle_page_fault') || each.startsWith('page_fault(')) + 2;
    assert.ok(line > 1, content);
    const { breakpoints } = await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setBreakpoints', { source, breakpoints: [{ line, condition }] });
    assert.deepEqual([breakpoints[0]?.verified, breakpoints[0]?.message], [true, undefined]);
    const since = client.received.length;
    await client.ask('continue', { threadId: 1 });
    await Promise.race([client.event('stopped', since), client.event('terminated', since)]);
    if (client.events('terminated').length > 0) return undefined;
    const stop = await client.stopped(since);
    const result = { ...stop, gva: await value(client, 'gva') };
    client.dispose();
    return result;
  }

  it('is judged with the values of the line', async () => {
    assert.equal((await hit('gva == gva:0x600000 and error_code & 2'))?.['gva'], 'gva:0x600000');
    assert.equal(await hit('gva == gva:0x601000'), undefined);
  });
});

describe('a watch in a guest frame', () => {
  it('tells a variable that has no value yet, as Locals leave it out', async () => {
    const client = await started('ept', { lines: [7] });
    assert.equal(await value(client, 'early'), '0x1');
    assert.equal(await refusal(client, 'late'), '`late` has no value yet.');
    assert.equal(await refusal(client, 'late + early'), '`late` has no value yet.');
    await client.move('next');
    assert.match(await value(client, 'slot'), /^gva:0x/);
    assert.equal(await refusal(client, 'later'), 'There is no `later` here (did you mean `late`?); name a variable, a global, a process, a register or a counter.');
    client.dispose();
  });

  it('tells why an address is nowhere', async () => {
    const client = await started('ept', { lines: [5] });
    assert.equal(await refusal(client, 'hpa_of(0x700000)'), 'hpa_of(0x700000) is nowhere: the guest does not map the address.');
    assert.equal(await refusal(client, 'gpa_of(0x700000)'), 'gpa_of(0x700000) is nowhere: the guest does not map the address.');
    assert.match(await refusal(client, 'hpa_of(0x601000)'), /^hpa_of\(0x601000\) is nowhere: the host has not backed hva:0x[0-9a-f]+ yet\.$/);
    assert.match(await value(client, 'hva_of(0x601000)'), /^hva:0x/);
    assert.match(await refusal(client, 'hpa_of(gpa:0x5000)'), /^hpa_of\(gpa:0x5000\) is nowhere: the host has not backed hva:0x[0-9a-f]+ yet\.$/);
    assert.equal(await refusal(client, 'hpa_of(gpa:0x40000000)'), 'hpa_of(gpa:0x40000000) is nowhere: gpa:0x40000000 lies outside every memslot.');
    assert.equal(await refusal(client, 'hpa_of(hva:0x5000)'), 'hpa_of(hva:0x5000) is nowhere: no memslot lies there in the VMM process.');
    assert.equal(await refusal(client, 'p.gpa_of(0x700000)'), 'p.gpa_of(0x700000) is nowhere: the guest does not map the address.');
    const frame = await client.ask('evaluate', { expression: 'walk(0x700000).frame', frameId: (await client.top()).id });
    assert.deepEqual([frame['result'], frame['memoryReference']], ['gpa:nowhere', undefined], 'and offers no memory there');
    client.dispose();
  });

  it('tells an address that the guest maps outside every memslot', async () => {
    const client = new TestClient(simulator, {
      [program]: 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user }\ncpu 0 {\n  switch(p)\n  map(p, 0x700000, gpa:0x40000000, rw)\n  x = 1\n}\n',
    });
    for (const [mmu, why] of [['ept', 'gpa:0x40000000 lies outside every memslot'], ['native', 'no memory is installed at gpa:0x40000000']]) {
      const own = mmu === 'ept' ? client : new TestClient(simulator, { [program]: 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user }\ncpu 0 {\n  switch(p)\n  map(p, 0x700000, gpa:0x40000000, rw)\n  x = 1\n}\n' });
      await own.start({ program, mmu, lines: [6] });
      await own.stopped();
      assert.equal(await refusal(own, 'hpa_of(0x700000)'), `hpa_of(0x700000) is nowhere: ${why}.`);
      own.dispose();
    }
  });
});
