import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const program = '/lab/edits.guest';
const text = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x602000 rw user }
global shared = 5
table seen

cpu 0 {
  switch(p)
  count = 3
  from = gpa:0x5000
  pte = pte_at(p, 0x601000)
  seen[1] = 2
  user [0x601000] = count
  user x = [0x601000]
  done = 1
}
`;

type Variables = readonly DebugProtocol.Variable[];

async function stoppedAt(line: string, mmu = 'shadow-wp'): Promise<TestClient> {
  const client = new TestClient(simulator, { [program]: text });
  await client.start({ program, mmu, lines: [text.split('\n').findIndex((each) => each.trim() === line) + 1], filters: [] });
  await client.stopped();
  return client;
}

async function children(client: TestClient, variablesReference: number): Promise<Variables> {
  return (await client.ask<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference })).variables;
}

async function scope(client: TestClient, name: string): Promise<number> {
  const { scopes } = await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: (await client.top()).id });
  return scopes.find((each) => each.name === name)!.variablesReference;
}

async function value(client: TestClient, expression: string): Promise<unknown> {
  return (await client.ask('evaluate', { expression, frameId: (await client.top()).id }))['result'];
}

describe('edits through the protocol', () => {
  it('every row that is not read-only takes a value, and the answer is the row as it is then', async () => {
    const client = await stoppedAt('user [0x601000] = count');
    const asked: readonly (readonly [scope: string, name: string, value: string, becomes: string])[] = [
      ['Locals', 'count', '2 * 8', '0x10'], ['Locals', 'from', 'gpa:0x7000', 'gpa:0x7000'], ['Globals', 'shared', 'count + 1', '0x11'],
      ['Registers', 'rax', '0xffff_ffff_ffff_ffff', '0xffffffffffffffff'],
    ];
    for (const [where, name, typed, becomes] of asked) {
      const variablesReference = await scope(client, where);
      const row = (await children(client, variablesReference)).find((each) => each.name === name)!;
      assert.equal(row.presentationHint?.attributes?.includes('readOnly') ?? false, false, name);
      assert.equal((await client.ask('setVariable', { variablesReference, name, value: typed }))['value'], becomes);
      assert.equal(await value(client, row.evaluateName!), becomes, 'and its evaluateName finds the same');
    }
    for (const where of ['Translation', 'Counters', 'Hypervisor']) {
      for (const row of await children(client, await scope(client, where))) {
        assert.deepEqual(row.presentationHint?.attributes, ['readOnly'], row.name);
        assert.match(await client.refused('setVariable', { variablesReference: await scope(client, where), name: row.name, value: '1' }), /is worked out from the machine's state/);
      }
    }
    await client.ask('disconnect');
  });

  it('a register and its bits are set as a MOV sets them, words behind the value and all', async () => {
    const client = await stoppedAt('user [0x601000] = count', 'native');
    const variablesReference = await scope(client, 'Registers');
    const find = async (name: string): Promise<DebugProtocol.Variable> => (await children(client, variablesReference)).find((each) => each.name === name)!;
    const cr0 = await find('cr0');
    assert.match(cr0.value, / WP/);
    const wp = (await children(client, cr0.variablesReference)).find(({ name }) => name === 'WP')!;
    const set = await client.ask('setVariable', { variablesReference: cr0.variablesReference, name: 'WP', value: wp.value.replace('1', '0') });
    assert.equal(set['value'], wp.value.replace('1', '0'));
    assert.doesNotMatch((await find('cr0')).value, / WP/);
    const whole = (await find('cr0')).value;
    const back = `0x${(BigInt(whole.split(' ')[0]!) | 0x10000n).toString(16)}`;
    assert.equal((await client.ask('setVariable', { variablesReference, name: 'cr0', value: whole.replace(/^\w+/, back) }))['value'], cr0.value);
    assert.match(await client.refused('setVariable', { variablesReference, name: 'cr0', value: '0x80000000' }), /^cr0 cannot take the value: PG without PE; give cr0 a value that a MOV to it could write\.$/);
    assert.match(await client.refused('setVariable', { variablesReference, name: 'cr3', value: 'gva:0x5000' }), /^cr3 is a gpa, and gva:0x5000 is none/);
    await client.ask('disconnect');
  });

  it('setExpression writes to memory, an entry, a bit of one, a part of a register and a key of a table', async () => {
    const client = await stoppedAt('user [0x601000] = count', 'ept');
    const frameId = (await client.top()).id;
    const asked: readonly (readonly [expression: string, value: string, becomes: string])[] = [
      ['[0x601000]', '0x1122334455667788', '0x1122334455667788'], ['byte [0x601001]', '1', '0x1'], ['[0x601000]', '[0x601000] + 1', '0x1122334455660189'],
      ['entry [pte].RW', '0', 'false'], ['entry [pte].frame', 'gpa:0x9000', 'gpa:0x9000'], ['entry [pte]', 'pte(gpa:0x8000, rw, user)', '0x8000000000008007'],
      ['eax', '0x12345678', '0x12345678'], ['ah', '0xff', '0xff'], ['rax', 'rax', '0x1234ff78'], ['seen[1]', '9', '0x9'], ['count', '-1', '0xffffffffffffffff'], ['p.pcid', '3', '0x3'],
    ];
    for (const [expression, typed, becomes] of asked) assert.equal((await client.ask('setExpression', { expression, frameId, value: typed }))['value'], becomes, expression);
    const refused: readonly (readonly [expression: string, value: string, why: RegExp])[] = [
      ['count + 1', '1', /^`count \+ 1` is worked out and has no place of its own/], ['byte [0x601000]', '0x100', /does not fit: byte \[0x601000\] has 8 bits/],
      ['entry [pte].frame', 'gpa:0x9001', /has no room for 0x1 of it/], ['entry [pte].P', '2', /has 1 bit\./], ['nonsense', '1', /nonsense/], ['count', 'nonsense', /nonsense/],
      ['[0x900000]', '1', /^The guest does not map gva:0x900000/], ['from', 'gva:0x1000', /^from is a gpa/], ['pkru', '1', /^pkru takes no value while CR4\.PKE is 0/], ['gpa_of(0x601000)', '1', /has no place of its own/], ['done', '1', /no value|done/],
    ];
    for (const [expression, typed, why] of refused) assert.match(await client.refused('setExpression', { expression, frameId, value: typed }), why, expression);
    await client.ask('disconnect');
  });

  it('an assignment that is typed into the console is one, and into a watch is none', async () => {
    const client = await stoppedAt('user [0x601000] = count');
    const frameId = (await client.top()).id;
    const type = async (expression: string, context = 'repl'): Promise<string> => {
      const response = await client.request('evaluate', { expression, frameId, context });
      return response.success ? (response.body as { result: string }).result : response.message ?? '';
    };
    const typed: readonly (readonly [typed: string, said: string | RegExp])[] = [
      ['count = 9', '0x9'], ['count += 2 * 3', '0xf'], ['entry [pte].RW=0', 'false'], ['seen[1] = count', '0xf'], ['count == 15', 'true'], ['count >= 15', 'true'], ['count != 15', 'false'],
      ['cr0 = 0x80000000', /^cr0 cannot take the value: PG without PE/], ['count = ', /./], ['1 = 2', /has no place of its own/], ['count', '0xf'],
    ];
    for (const [line, said] of typed) {
      const answer = await type(line);
      if (typeof said === 'string') assert.equal(answer, said, line);
      else assert.match(answer, said, line);
    }
    assert.notEqual(await type('count = 1', 'watch'), '0x1');
    assert.equal(await value(client, 'count'), '0xf');
    await client.ask('disconnect');
  });

  it('an entry of a table, and each of its fields, takes a value in the scope that shows it', async () => {
    const client = await stoppedAt('user x = [0x601000]', 'shadow-wp');
    const child = async (reference: number, name: RegExp): Promise<DebugProtocol.Variable> => (await children(client, reference)).find((row) => name.test(row.name))!;
    let reference = (await child((await child(await scope(client, 'Tables'), /^guest tables/)).variablesReference, /./)).variablesReference;
    for (const level of [/^PML4E 0/, /^table/, /^PDPTE 0/, /^table/, /^PDE 3/, /^table/]) reference = (await child(reference, level)).variablesReference;
    const pte = await child(reference, /^PTE 1$/);
    const bit = (name: string, typed: string): Promise<Record<string, unknown>> => client.ask('setVariable', { variablesReference: pte.variablesReference, name, value: typed });
    assert.match(String((await bit('RW', '0'))['value']), /^0/);
    assert.match(String((await bit('frame', 'gpa:0x9000'))['value']), /^gpa:0x9000/);
    assert.equal(await value(client, 'entry [pte].frame'), 'gpa:0x9000');
    assert.equal(await value(client, 'entry [pte].RW'), 'false');
    assert.equal(await value(client, 'walk(0x601000).writable'), 'false');
    assert.match(String((await client.ask('setVariable', { variablesReference: reference, name: 'PTE 1', value: 'pte(gpa:0xa000, rw, user)' }))['value']), /RW.*→ gpa:0xa000/);
    await client.ask('disconnect');
  });

  it('memory is written in all spaces, up to the first hole when a part will do, and whoever shows it is told', async () => {
    const client = await stoppedAt('user x = [0x601000]', 'ept');
    const bytes = (length: number): string => Buffer.alloc(length, 0xab).toString('base64');
    const gpa = String(await value(client, 'gpa_of(0x601ff8)'));
    const shown = ['gva:0x601000', gpa.replace('ff8', '000'), String(await value(client, 'hpa_of(0x601000)')), 'gpa:0x0'];
    for (const memoryReference of shown) await client.ask('readMemory', { memoryReference, count: 4096 });
    assert.match(await client.refused('writeMemory', { memoryReference: 'gva:0x601ff8', data: bytes(16) }), /^The guest does not map gva:0x602000: name an address that is memory\./);
    const since = client.received.length;
    assert.deepEqual(await client.ask('writeMemory', { memoryReference: 'gva:0x601000', offset: 0xff8, data: bytes(16), allowPartial: true }), { offset: 0xff8, bytesWritten: 8 });
    await client.event('invalidated', since);
    await client.event('memory', since);
    assert.deepEqual(client.events('memory').map(({ body }) => [body?.['memoryReference'], body?.['offset'], body?.['count']]), shown.slice(0, 3).map((reference) => [reference, 0, 4096]));
    assert.deepEqual(client.events('invalidated').map(({ body }) => body?.['areas']), [['variables']]);
    const places = await Promise.all(['gpa', 'hva', 'hpa'].map(async (space) => String(await value(client, `${space}_of(0x601ff8)`))));
    for (const [i, memoryReference] of places.entries()) {
      assert.deepEqual(await client.ask('writeMemory', { memoryReference, data: Buffer.from([i]).toString('base64') }), { offset: 0, bytesWritten: 1 });
      for (const other of places) assert.equal((await client.ask('readMemory', { memoryReference: other, count: 8 }))['data'], Buffer.from([i, ...Array<number>(7).fill(0xab)]).toString('base64'), other);
    }
    assert.match(await client.refused('writeMemory', { memoryReference: 'gpa:0x0', data: '§' }), /as bytes in Base64/);
    assert.match(await client.refused('writeMemory', { memoryReference: 'hpa:0xfffffffff000', data: bytes(1) }), /^No memory is installed at hpa:0xfffffffff000/);
    assert.match(await client.refused('writeMemory', { memoryReference: 'gpa:0xfffffff000', data: bytes(1) }), /^No memslot holds gpa:0xfffffff000/);
    await client.ask('disconnect');
  });

  it('a client that does not know the events of an edit is not sent them', async () => {
    const client = new TestClient(simulator, { [program]: text });
    await client.initialize({ supportsInvalidatedEvent: false, supportsMemoryEvent: false });
    await client.ask('launch', { program, mmu: 'ept', stopOnEntry: true });
    await client.event('initialized');
    await client.ask('configurationDone');
    await client.stopped();
    await client.ask('readMemory', { memoryReference: 'gpa:0x0', count: 8 });
    await client.ask('writeMemory', { memoryReference: 'gpa:0x0', data: Buffer.from([1]).toString('base64') });
    await client.move('next');
    assert.deepEqual([...client.events('invalidated'), ...client.events('memory')], []);
    await client.ask('disconnect');
  });

  it('an edit in the past says in one sentence what is dropped, and a restart that edits are gone', async () => {
    const client = await stoppedAt('user [0x601000] = count');
    for (const command of ['next', 'next', 'stepBack', 'stepBack']) await client.move(command);
    await client.ask('setExpression', { expression: 'count', value: '7' });
    assert.match(client.output, /^You have edited the past, at step \d+: what came behind it is dropped, \d+ steps\.$/m);
    const { body } = await client.event('pagewalk/edited');
    assert.match(String(body?.['where']), /^step \d+$/);
    assert.deepEqual(Object.keys(body?.['dropped'] as object), ['steps', 'edits']);
    await client.move('next');
    await client.move('next');
    assert.equal(await value(client, 'x'), '0x7');
    const since = client.received.length;
    await client.ask('restart', {});
    await client.stopped(since);
    assert.match(client.output, /^Started anew: the edit that you had made is gone\.$/m);
    await client.move('next');
    await client.move('next');
    assert.equal(await value(client, 'x'), '0x3');
    await client.ask('disconnect');
  });
});
