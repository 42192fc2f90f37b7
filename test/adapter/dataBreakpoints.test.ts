import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const program = '/lab/data.guest';
const text = `machine { paging 4-level, ram 16M }
process p {
  0x600000 .. 0x602000 rw user
  0x700000 .. 0x701000 rx user
}
cpu 0 {
  switch(p)
  at = pte_at(p, 0x600000)
  other = 1
  user [0x600000] = 1
  user x = [0x600000]
  user [0x600ffc] = 0x1122334455667788
  fetch(0x700000)
  entry [at] &= ~RW
  invlpg(0x600000)
  user y = [0x600000]
  cr0.WP = 0
}
`;
const line = (part: string): number => text.split('\n').findIndex((each) => each.includes(part)) + 1;

type Info = DebugProtocol.DataBreakpointInfoResponse['body'];

async function stoppedAt(mmu: string, at = line('other = 1')): Promise<TestClient> {
  const client = new TestClient(simulator, { [program]: text });
  await client.start({ program, mmu, lines: [at] });
  await client.event('stopped');
  return client;
}

async function info(client: TestClient, args: object): Promise<Info> {
  return client.ask<Info>('dataBreakpointInfo', args);
}

async function set(client: TestClient, breakpoints: readonly object[]): Promise<DebugProtocol.Breakpoint[]> {
  const body = await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setDataBreakpoints', { breakpoints });
  return body.breakpoints;
}

/** Lines at which the session stops from here to the end, with what is said of each stop. */
async function places(client: TestClient): Promise<string[]> {
  const found: string[] = [];
  for (;;) {
    const since = client.received.length;
    await client.ask('continue', { threadId: 1 });
    await Promise.race([client.event('stopped', since), client.event('terminated', since)]);
    if (client.events('terminated').length > 0) return found;
    const stop = await client.stopped(since);
    assert.equal(stop['reason'], 'data breakpoint');
    const { stackFrames } = await client.ask<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId: 1 });
    const frame = stackFrames.find(({ source }) => source?.path === program);
    found.push(`${frame?.line ?? 0}: ${String(stop['news'])}`);
  }
}

const linesOf = (found: readonly string[]): number[] => found.map((each) => Number(each.split(':')[0]));

async function rowOf(client: TestClient, scope: string, ...path: readonly string[]): Promise<{ variablesReference: number; name: string }> {
  const frame = await client.top();
  const { scopes } = await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: frame.id });
  let variablesReference = scopes.find(({ name }) => name === scope)?.variablesReference ?? 0;
  for (const name of path.slice(0, -1)) {
    const { variables } = await client.ask<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference });
    const row = variables.find((each) => each.name === name || each.name.startsWith(name));
    assert.ok(row, `${name} among ${variables.map((each) => each.name).join(', ')}`);
    ({ variablesReference } = row);
  }
  return { variablesReference, name: path.at(-1)! };
}

const write = line('[0x600000] = 1');
const read = line('user x =');
const crossing = line('0x600ffc');
const readAgain = line('user y =');
const fetched = line('fetch(');
const edited = line('&= ~RW');

describe('a data breakpoint on memory', function () {
  this.timeout(60_000);

  for (const mmu of ['native', 'shadow-wp', 'ept']) {
    for (const mode of ['gva', 'gpa', 'hpa']) {
      it(`by ${mode} under ${mmu} stops behind reads, writes and both`, async () => {
        for (const [accessType, wanted] of [['write', [write]], ['read', [read, readAgain]], ['readWrite', [write, read, readAgain]]] as const) {
          // The host backs the page at the first touch: by hpa it can be asked for from then on.
          const client = await stoppedAt(mmu, mode === 'hpa' ? read : line('other = 1'));
          const asked = await info(client, { name: 'gva:0x600000', asAddress: true, bytes: 8, mode });
          assert.match(asked.dataId ?? asked.description, new RegExp(`^${mode}:0x[0-9a-f]+:8$`));
          const [breakpoint] = await set(client, [{ dataId: asked.dataId, accessType }]);
          assert.equal(breakpoint?.verified, true);
          assert.deepEqual(linesOf(await places(client)), mode === 'hpa' ? wanted.filter((at) => at !== write) : wanted);
        }
      });
    }
  }

  it('sees the part of an access that lies in the next page', async () => {
    for (const mode of ['gva', 'gpa', 'hpa']) {
      const client = await stoppedAt('native');
      const { dataId } = await info(client, { name: 'gva:0x601000', asAddress: true, bytes: 4, mode });
      await set(client, [{ dataId, accessType: 'write' }]);
      assert.deepEqual(linesOf((await places(client))), [crossing], mode);
    }
  });

  it('by execute stops at fetches alone, by walk at what reads it as an entry', async () => {
    const client = await stoppedAt('ept');
    const fetches = await info(client, { name: 'execute gva:0x700000', asAddress: true });
    assert.deepEqual([fetches.dataId, fetches.description, fetches.accessTypes], ['execute gva:0x700000:1', 'execute 1 byte at gva:0x700000', ['read']]);
    await set(client, [{ dataId: fetches.dataId }]);
    assert.deepEqual(linesOf(await places(client)), [fetched]);

    const walked = await stoppedAt('native');
    const entry = String((await walked.ask('evaluate', { expression: 'gpa_of(at)', frameId: (await walked.top()).id }))['result']);
    const { dataId } = await info(walked, { name: `walk ${entry}`, asAddress: true });
    await set(walked, [{ dataId }]);
    assert.deepEqual(linesOf(await places(walked)), [write, readAgain], 'the TLB answers in between, until INVLPG');
  });

  it('on an entry stops at stores to it and at flags that a walk sets in it', async () => {
    const client = await stoppedAt('native');
    const entry = String((await client.ask('evaluate', { expression: 'gpa_of(at)', frameId: (await client.top()).id }))['result']);
    const { dataId } = await info(client, { name: entry, asAddress: true });
    await set(client, [{ dataId, accessType: 'write' }]);
    const found = await places(client);
    assert.deepEqual(linesOf(found), [write, edited]);
    assert.match(found[0] ?? '', /accessed or dirty flag set/);
  });
});

describe('a breakpoint on a column', function () {
  this.timeout(60_000);
  const path = '/lab/columns.guest';
  const lines = [
    'machine { paging 4-level, ram 16M }', 'process p { 0x600000 .. 0x602000 rw user }', 'cpu 0 {', '  switch(p)',
    '  user { [0x600000] = 5; [0x600008] = 7 }', '  user [0x600010] = [0x600000] + [0x600008]', '  user [0x600018] = 1', '}', '',
  ];

  it('stops at each of several statements on a line, and right before each of several accesses of one', async () => {
    const client = new TestClient(simulator, { [path]: lines.join('\n') });
    await client.initialize();
    await client.ask('launch', { program: path, mmu: 'ept' });
    await client.event('initialized');
    const located = await client.ask<DebugProtocol.BreakpointLocationsResponse['body']>('breakpointLocations', { source: { path }, line: 5, endLine: 7 });
    const places = located.breakpoints.map(({ line: at, column }) => ({ line: at, column }));
    const columnOf = (at: number, part: string): number => lines[at - 1]!.indexOf(part) + 1;
    const sum = ['user [', '[0x600010]', '[0x600000]', '[0x600008]'].map((part) => ({ line: 6, column: columnOf(6, part) }));
    assert.deepEqual(places.filter((place) => place.line === 6), sum);
    assert.deepEqual(places.filter((place) => place.line === 7), [{ line: 7, column: 3 }], 'one access is its statement');
    assert.deepEqual(places.filter((place) => place.line === 5).slice(-2), ['[0x600000]', '[0x600008]'].map((part) => ({ line: 5, column: columnOf(5, part) })));

    const body = await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setBreakpoints', { source: { path }, breakpoints: places });
    assert.deepEqual(body.breakpoints.map(({ line: at, column, verified }) => ({ line: at, column, verified })), places.map((place) => ({ ...place, verified: true })));
    await client.ask('configurationDone');
    const found: string[] = [];
    for (let since = 0; ; ) {
      await Promise.race([client.event('stopped', since), client.event('terminated', since)]);
      if (client.events('terminated').length > 0) break;
      const stop = await client.stopped(since);
      const hit = (stop['hitBreakpointIds'] as number[]).map((id) => body.breakpoints.find((breakpoint) => breakpoint.id === id)!);
      found.push(hit.map((breakpoint) => `${breakpoint.line}:${breakpoint.column}`).join(' '));
      since = client.received.length;
      await client.ask('continue', { threadId: 1 });
    }
    // The right side comes first, then the store.
    assert.deepEqual(found.filter((stop) => stop.startsWith('6:')), [sum[0], sum[2], sum[3], sum[1]].map((place) => `6:${place!.column}`));
    assert.equal(found.filter((stop) => stop.startsWith('5:')).length, places.filter((place) => place.line === 5).length);
  });
});

describe('a data breakpoint on a row', function () {
  this.timeout(60_000);

  it('of a register stops behind each step that changes it', async () => {
    const client = await stoppedAt('shadow-wp', line('switch(p)'));
    const asked = await info(client, await rowOf(client, 'Registers', 'cr3'));
    assert.deepEqual([asked.dataId, asked.description, asked.accessTypes, asked.canPersist], ['value:0:cr3', 'cr3 of cpu 0', ['write', 'read', 'readWrite'], true]);
    const bit = await info(client, await rowOf(client, 'Registers', 'cr0', 'WP'));
    assert.equal(bit.dataId, 'value:0:cr0.WP');
    await set(client, [{ dataId: asked.dataId, accessType: 'write' }, { dataId: bit.dataId, accessType: 'write' }]);
    const found = await places(client);
    assert.equal(found.length, 2);
    assert.match(found[0] ?? '', /^7: cr3 of cpu 0: gpa:0x[0-9a-f]+ becomes gpa:0x[0-9a-f]+$/);
    assert.match(found[1] ?? '', /: cr0\.WP of cpu 0: (0x1|true) becomes (0x0|false)$/);
  });

  it('of a register that is read stops right before each instruction of that CPU which reads it, forward and back', async () => {
    const reading = 'schedule every 1; machine { paging 4-level, ram 16M }\ncpu 0 {\n  first = 1\n  x = cr2\n  y = 1\n  if cr2 == 0 {\n    cr2 = 5\n    z = cr2 - cr2\n  }\n  last = 1\n}\ncpu 1 {\n  v = 1\n  v = 2\n  v = 3\n  w = cr2\n}\n';
    const client = new TestClient(simulator, { [program]: reading });
    await client.start({ program, mmu: 'native', lines: [3, 10] });
    await client.stopped();
    const walk = async (motion: string): Promise<string[]> => {
      const found: string[] = [];
      for (let stop = await client.move(motion); stop['reason'] === 'data breakpoint'; stop = await client.move(motion)) {
        found.push(`${String(stop['threadId'])} ${(await client.top(Number(stop['threadId']))).line}: ${String(stop['text']).replace(/ \(.*/, '')}`);
      }
      return found;
    };
    await set(client, [{ dataId: 'value:0:cr2', accessType: 'read' }]);
    const reads = [4, 6, 8, 8].map((at) => `1 ${at}: Paused before a read of cr2`);
    assert.deepEqual(await walk('continue'), reads);
    assert.deepEqual(await walk('reverseContinue'), [...reads].reverse());
    const both = await set(client, [{ dataId: 'value:0:cr2', accessType: 'readWrite', condition: 'cr2 == 5' }]);
    assert.equal(both[0]?.verified, true);
    assert.deepEqual(await walk('continue'), ['1 8: Paused behind a change of cr2 of cpu 0', reads[2], reads[3]]);
    client.dispose();
  });

  it("of a field of the VMCS watches the CPU's own", async () => {
    const client = await stoppedAt('ept', line('switch(p)'));
    const row = await rowOf(client, 'Hypervisor', 'VMCS', 'guest-state area', 'guest_cr3');
    const asked = await info(client, row);
    assert.deepEqual([asked.dataId, asked.description], ['value:0:vmcs field guest_cr3', 'vmcs field guest_cr3 of cpu 0']);
    const [known, unknown] = await set(client, [{ dataId: asked.dataId }, { dataId: 'value:0:vmcs field guest_cr33' }]);
    assert.equal(known?.verified, true);
    assert.equal(unknown?.message, '"vmcs field guest_cr33" cannot be watched: a VMCS has no field guest_cr33: did you mean guest_cr3?');
    assert.ok((await places(client)).length > 0);
  });

  it('of a field of a structure that does not run the CPU is refused', async () => {
    const dataIds = ['value:0:vmcs field guest_cr3', 'value:0:vmcb field n_cr3'];
    const why = async (mmu: string): Promise<readonly (string | undefined)[]> => (await set(await stoppedAt(mmu, line('switch(p)')), dataIds.map((dataId) => ({ dataId })))).map(({ message }) => message);
    assert.deepEqual(await why('ept'), [undefined, '"vmcb field n_cr3" cannot be watched: cpu 0 is run by a VMCS: write vmcs field and a name.']);
    assert.deepEqual(await why('npt'), ['"vmcs field guest_cr3" cannot be watched: cpu 0 is run by a VMCB: write vmcb field and a name.', undefined]);
    assert.deepEqual(await why('native'), ['VMCS', 'VMCB'].map((block, i) => `"${block.toLowerCase()} field ${['guest_cr3', 'n_cr3'][i]!}" cannot be watched: cpu 0 has no ${block}, as no hypervisor runs it.`));
  });

  it('of an entry in a tree of tables watches its bytes', async () => {
    const client = await stoppedAt('shadow-wp', read);
    const frame = await client.top();
    const { scopes } = await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: frame.id });
    const { variablesReference } = scopes.find(({ name }) => name === 'Tables')!;
    const found: Info[] = [];
    // Down the first row of each level, in every set of tables.
    const descend = async (reference: number, depth: number): Promise<void> => {
      const { variables } = await client.ask<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference: reference });
      for (const row of depth === 0 ? variables : variables.slice(0, 1)) {
        const asked = await info(client, { variablesReference: reference, name: row.name });
        if (asked.dataId !== null) found.push(asked);
        if (row.variablesReference !== 0 && depth < 7) await descend(row.variablesReference, depth + 1);
      }
    };
    await descend(variablesReference, 0);
    assert.ok(found.some(({ dataId }) => dataId?.startsWith('gpa:') === true), 'entries of the guest');
    assert.ok(found.some(({ dataId }) => dataId?.startsWith('hpa:') === true), 'entries of hypervisor and host');
    const answers = await set(client, found.map(({ dataId }) => ({ dataId, accessType: 'readWrite' })));
    assert.ok(answers.every(({ verified }) => verified));
  });

  it('that cannot be watched says why', async () => {
    const client = await stoppedAt('native', line('other = 1'));
    const why = async (args: object): Promise<string> => {
      const { dataId, description } = await info(client, args);
      assert.equal(dataId, null);
      return description;
    };
    assert.match(await why({ name: 'gva:0x900000', asAddress: true, mode: 'gpa' }), /^gva:0x900000 is not mapped now, so it has no gpa: watch it by GVA\.$/);
    assert.match(await why({ name: 'walk gva:0x600000', asAddress: true }), /^Entries of tables are walked by their physical address/);
    assert.match(await why({ name: 'hpa:0x1000', asAddress: true, mode: 'gva' }), /^hpa:0x1000 has no gva of its own/);
    assert.match(await why({ name: 'nonsense here', asAddress: true }), /^"nonsense here" is no address, register or value that changes/);
    assert.match(await why({ name: 'othr' }), /^"othr" cannot be watched: There is no `othr` here \(did you mean `other`\?\); .* can be: gva:0x600000, walk gpa:0x3000 or cr3\.$/);
    assert.match(await why({ name: 'gva:0x600000', asAddress: true, bytes: -1 }), /^-1 bytes cannot be watched/);
    assert.match(await why({ name: 'nobody', variablesReference: 99_999 }), /^There is no row "nobody" there any more/);
    const [read, unread, soup, use] = await set(client, [
      { dataId: 'value:0:total.exits.total', accessType: 'read' }, { dataId: 'value:0:r9', accessType: 'read' }, { dataId: 'gva:0x600000:8', mode: 'zpa' }, { dataId: 'gva:0x600000:8', accessType: 'eat' },
    ]);
    assert.equal(use?.message, '"eat" is no use of memory: there are read, write, readWrite.');
    assert.equal(read?.message, 'total.exits.total can be watched for changes alone: no instruction tells that it is read.');
    assert.equal(unread?.message, 'No statement of this program reads r9, so there is nothing to stop at.');
    assert.equal(soup?.message, '"zpa" is no mode of a data breakpoint: there are gva, gpa, hpa.');
  });

  it('has a condition, a hit count and a message, as others', async () => {
    const stops = async (more: object): Promise<number[]> => {
      const client = await stoppedAt('ept');
      await set(client, [{ dataId: 'gva:0x600000:8', accessType: 'readWrite', ...more }]);
      return linesOf(await places(client));
    };
    assert.deepEqual(await stops({ hitCondition: '2' }), [read]);
    assert.deepEqual(await stops({ hitCondition: '>=2' }), [read, readAgain]);
    assert.deepEqual(await stops({ condition: 'event.gva == gva:0x600000 and cr3 != 0', hitCondition: '%3' }), [readAgain]);
    const client = await stoppedAt('ept');
    const listing = (await client.ask<{ sources: DebugProtocol.Source[] }>('loadedSources')).sources.find(({ name }) => name === 'ept.vmm')!;
    const { breakpoints } = await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setBreakpoints', { source: listing, breakpoints: [{ line: 1, hitCondition: '2' }] });
    assert.equal(breakpoints[0]?.verified, true, 'a line of a listing has a hit count too');
    await set(client, [{ dataId: 'gva:0x600000:8', accessType: 'write', logMessage: 'now {event.value}' }]);
    await client.ask('setBreakpoints', { source: listing, breakpoints: [] });
    await client.ask('continue', { threadId: 1 });
    await client.event('terminated');
    assert.match(client.output, /now 0x1\n/);
  });

  it('is bound again after a restart', async () => {
    const client = await stoppedAt('ept', line('other = 1'));
    await set(client, [{ dataId: 'gva:0x600000:8', accessType: 'write' }, { dataId: 'value:0:cr0', accessType: 'write' }]);
    const since = client.received.length;
    await client.ask('restart', {});
    await client.event('stopped', since);
    assert.deepEqual(linesOf(await places(client)), [write, line('cr0.WP = 0')]);
  });
});
