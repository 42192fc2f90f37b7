import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import type { TablesResponse, WalkResponse } from '../../src/protocol/requests';
import { TestClient } from './client';

const program = '/lab/two.guest';
const vm = (name: string, mmu: string, value: string, more = ''): string => `vm ${name} {
  machine { paging 4-level, ram 16M, mmu ${mmu} }
  process p { 0x600000 .. 0x601000 rw user }
  global seen = ${value}
  cpu 0 {
    switch(p)
    slot = pte_at(p, 0x600000)
    user [0x600000] = seen
    barrier both
    entry [slot] &= ~D
    user x = [0x600000]
${more}  }
}
`;
const text = `${vm('alice', 'shadow-wp', '0xa11ce', '    user cr0.WP = 0\n')}${vm('bob', 'ept', '0xb0b', '    for i in 0 .. 2000 { x = i }\n')}host thread watch { barrier both }\n`;
const lineOf = (part: string, from = 0): number => text.split('\n').findIndex((line, index) => index >= from && line.includes(part)) + 1;
const BOBS = lineOf('vm bob');

/** Stopped at bob's line that holds `part`. */
async function atBobs(part: string): Promise<TestClient> {
  const client = new TestClient(simulator, { [program]: text });
  await client.start({ program, lines: [lineOf(part, BOBS)], filters: [] });
  await client.stopped();
  return client;
}

async function functionBreakpoint(client: TestClient, name: string): Promise<DebugProtocol.Breakpoint> {
  const { breakpoints } = await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setFunctionBreakpoints', { breakpoints: [{ name }] });
  return breakpoints[0]!;
}

describe('a session on two VMs', () => {
  it('names each CPU by its VM, and shows what its frame means by a name', async () => {
    const client = await atBobs('entry [');
    const { threads } = await client.ask<{ threads: DebugProtocol.Thread[] }>('threads', {});
    assert.deepEqual(threads.map(({ id, name }) => [id, name]), [[1, 'alice cpu 0'], [2, 'bob cpu 0'], [3, 'host thread watch']]);
    for (const [threadId, name, value] of [[1, 'alice cpu 0', '0xa11ce'], [2, 'bob cpu 0', '0xb0b']] as const) {
      const { stackFrames } = await client.ask<{ stackFrames: DebugProtocol.StackFrame[] }>('stackTrace', { threadId });
      assert.equal(stackFrames.at(-1)!.name, name);
      const { scopes } = await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: stackFrames[0]!.id });
      const globals = scopes.find((scope) => scope.name === 'Globals')!;
      const { variables } = await client.ask<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference: globals.variablesReference });
      assert.deepEqual(variables.filter((row) => row.name === 'seen').map((row) => row.value), [value]);
    }
    client.dispose();
  });

  it('lists the roots of both in each tree, told apart, and finds memory by whose address it is', async () => {
    const client = await atBobs('entry [');
    const roots = async (space: string): Promise<readonly string[]> => (
      (await client.ask<TablesResponse>('pagewalk/tables', { space })).nodes.map(({ label, root }) => `${label} | ${root}`)
    );
    assert.deepEqual(await roots('guest'), [
      'alice: CR3 gpa:0x100000 (process p) | alice.gpa:0x100000', 'bob: CR3 gpa:0x100000 (process p) | bob.gpa:0x100000',
    ]);
    assert.deepEqual((await roots('shadow')).map((root) => root.split(':')[0]), ['alice', 'alice']);
    assert.deepEqual((await roots('ept')).map((root) => root.split(' | ')[0]), ['bob: EPTP']);
    assert.equal((await roots('host')).length, 2);
    const pages: string[] = [];
    for (const name of ['alice', 'bob']) {
      const { nodes } = await client.ask<TablesResponse>('pagewalk/tables', { space: 'guest', root: `${name}.gpa:0x100000`, path: [0, 0, 3] });
      const frame = nodes[0]!.fields.find((field) => field.name === 'frame')!.value;
      assert.ok(nodes[0]!.address!.startsWith(`${name}.gpa:`), nodes[0]!.address);
      const { data } = await client.ask<{ data: string }>('readMemory', { memoryReference: `${name}.${frame}`, count: 3 });
      pages.push(Buffer.from(data, 'base64').toString('hex'));
    }
    assert.deepEqual(pages, ['ce110a', '0b0b00'], 'the same guest-physical address, and each its own memory');
    const message = await client.refused('pagewalk/tables', { space: 'guest', root: 'gpa:0x100000' });
    assert.match(message, /take one that a root node gave, like alice\.gpa:0x1000/);
    client.dispose();
  });

  it("watches a counter of that VM, not the first one's", async () => {
    const client = await atBobs('barrier both');
    const { scopes } = await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: (await client.top(2)).id });
    const { variablesReference } = scopes.find(({ name }) => name === 'Counters')!;
    const asked = await client.ask<DebugProtocol.DataBreakpointInfoResponse['body']>('dataBreakpointInfo', { variablesReference, name: 'exits' });
    assert.deepEqual([asked.dataId, asked.description], ['value:1:total.exits.total', 'total.exits.total of bob cpu 0']);
    client.dispose();
  });

  it('stops at a write to an entry of that VM alone, and asks whose it is', async () => {
    const client = await atBobs('barrier both');
    const qualified = String((await client.ask('evaluate', { expression: 'gpa_of(slot)' }))['result']);
    assert.match(qualified, /^bob\.gpa:0x/);
    const entry = qualified.slice('bob.'.length);
    await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [] });
    assert.match((await functionBreakpoint(client, `write:${entry}`)).message ?? '', /write whose it is, as in alice\.gpa:0x… or bob\.gpa:0x…/);
    assert.equal((await functionBreakpoint(client, `write:${qualified}`)).verified, true);
    const stops = [await client.move('continue'), await client.move('continue')];
    const reasons = stops.map((stop) => [stop['reason'], stop['threadId']]);
    assert.deepEqual(reasons, [['exception', 1], ['function breakpoint', 2]], 'alice writes hers unseen, and dies before bob writes his');
    client.dispose();
  });

  it('says whose an address is, in values as in the references of memory, and that a host thread makes no walk', async () => {
    const client = await atBobs('barrier both');
    for (const [expression, start] of [
      ['slot', 'bob.gva:'], ['gpa_of(slot)', 'bob.gpa:'], ['hpa_of(slot)', 'hpa:'], ['alice.gpa:0x5000', 'alice.gpa:'],
      ['alice.p.gpa_of(0x600000)', 'alice.gpa:'],
    ] as const) {
      const { result, memoryReference } = await client.ask<{ result: string; memoryReference: string }>('evaluate', { expression });
      assert.ok(result.startsWith(start), `${expression} is ${result}`);
      assert.equal(memoryReference, result, expression);
    }
    assert.match(await client.refused('pagewalk/walk', { threadId: 3 }), /^host thread watch makes no walks: .* Choose the thread of a CPU\.$/);
    assert.match(await client.refused('pagewalk/walk', { threadId: 4 }), /^There is no thread 4: threads are 1 to 3\.$/);
    client.dispose();
  });

  it('leads from any row to memory of the VM that it is about, whichever has come to the stop', async () => {
    const client = await atBobs('barrier both');
    const { stackFrames: [alices] } = await client.ask<{ stackFrames: DebugProtocol.StackFrame[] }>('stackTrace', { threadId: 1 });
    const { scopes } = await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: alices!.id });
    const references = new Map<string, string>();
    const look = async (variablesReference: number, way: string, depth: number): Promise<void> => {
      for (const row of (await client.ask<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference })).variables.slice(0, 6)) {
        if (row.memoryReference !== undefined) references.set(`${way}/${row.name}`, row.memoryReference);
        if (row.variablesReference !== 0 && depth > 0) await look(row.variablesReference, `${way}/${row.name}`, depth - 1);
      }
    };
    for (const { name, variablesReference } of scopes) if (name === 'Tables' || name === 'TLB') await look(variablesReference, name, 3);
    const nobodys = [...references].filter(([, reference]) => !/^(?:alice|bob)\.|^hpa:/.test(reference));
    assert.deepEqual(nobodys, []);
    const translated = [...references].filter(([way]) => way.endsWith('/translates'));
    for (const [way, reference] of translated) assert.equal(reference.split('.')[0], /alice|bob/.exec(way)?.[0], way);
    assert.ok(translated.length > 4 && [...references.keys()].some((way) => way.startsWith('TLB/')));
    client.dispose();
  });

  it('stops where a VM cannot go on, says which, and goes on with the other', async () => {
    const client = new TestClient(simulator, { [program]: text });
    await client.start({ program, lines: [], filters: [] });
    const stop = await client.stopped();
    assert.deepEqual([stop['reason'], stop['threadId']], ['exception', 1]);
    assert.match(String(stop['text']), /^The VM of alice cpu 0 cannot go on/);
    const info = await client.ask('exceptionInfo', { threadId: 1 });
    assert.match(String(info['description']), /alice cpu 0: triple fault/);
    await client.ask('continue', { threadId: 2 });
    await client.event('terminated');
    assert.deepEqual(client.events('exited').map(({ body }) => body?.['exitCode']), [1], 'bob has come to his end');
    assert.match(client.output, /alice cpu 0: triple fault/);
    client.dispose();
  });

  it('looks from a host thread at memory of any VM, and says that the thread has no registers', async () => {
    const threads = text.replace('host thread watch { barrier both }', 'host thread watch {\n  barrier both\n  print 1\n}');
    const client = new TestClient(simulator, { [program]: threads });
    await client.start({ program, lines: [threads.split('\n').indexOf('  print 1') + 1], filters: [] });
    assert.equal((await client.stopped())['threadId'], 3);
    const frameId = (await client.ask<{ stackFrames: DebugProtocol.StackFrame[] }>('stackTrace', { threadId: 3 })).stackFrames[0]!.id;
    const value = async (expression: string): Promise<unknown> => (await client.ask('evaluate', { expression, frameId }))['result'];
    assert.deepEqual([await value('[alice.p.gva:0x600000]'), await value('[bob.p.gva:0x600000]')], ['0xa11ce', '0xb0b']);
    assert.match(await client.refused('evaluate', { expression: 'cr3', frameId }), /a host thread has no registers: look in the frame of a CPU/);
    for (const whose of ['[gva:0x600000]', '[0x600000]', 'gpa_of(0x600000)', 'walk(0x600000).pte']) {
      assert.match(await client.refused('evaluate', { expression: whose, frameId }), /write whose linear address this is: alice\.p\.gva:…, bob\.p\.gva:…/, whose);
    }
    assert.match(await client.refused('evaluate', { expression: 'hpa_of(gpa:0x5000)', frameId }), /write whose it is: alice\.gpa:…, bob\.gpa:…/);
    assert.match(await client.refused('evaluate', { expression: 'exits.total', frameId }), /write total\.exits\.total/);
    assert.match(await client.refused('evaluate', { expression: 'tlb.holds(0x600000)', frameId }), /the TLB of one CPU, and a host thread is none/);
    assert.match(await client.refused('evaluate', { expression: 'seen', frameId }), /There is no `seen`/);
    assert.match(String(await value('total.exits.total')), /^0x|^\d/);
    const { data } = await client.ask<{ data: string }>('readMemory', { memoryReference: 'gva:0x600000', count: 3 });
    assert.equal(Buffer.from(data, 'base64').toString('hex'), 'ce110a');
    const watched = { breakpoints: [{ dataId: 'nobody.gva:0x600000:8' }] };
    const { breakpoints } = await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setDataBreakpoints', watched);
    assert.deepEqual(breakpoints.map(({ verified, message }) => [verified, message]), [
      [false, '"nobody.gva:0x600000:8" watches nothing: there is no VM nobody here.'],
    ]);
    client.dispose();
  });
});

describe('a session on a nested guest', () => {
  const nested = '/lab/nested.guest';
  const scenario = readFileSync('scenarios/nested.guest', 'utf8');
  const L2 = 2;
  const lineIn = (whole: string, part: string): number => whole.slice(0, whole.indexOf(part)).split('\n').length;

  it('stops at accesses of the guest whose address it watches, which is on the CPU of the one around', async () => {
    const client = new TestClient(simulator, { [nested]: scenario });
    await client.start({ program: nested, lines: [lineIn(scenario, 'pml4 = frame()')], filters: [] });
    await client.stopped();
    const { threads } = await client.ask<{ threads: DebugProtocol.Thread[] }>('threads', {});
    assert.deepEqual(threads.map(({ id, name }) => [id, name]), [[1, 'l1 cpu 0'], [L2, 'l2 cpu 0']]);
    const watched = ['l1.gva:0x5000:1', 'l2.gva:0x5000:1'].map((dataId) => ({ dataId }));
    const { breakpoints } = await client.ask<{ breakpoints: Required<DebugProtocol.Breakpoint>[] }>('setDataBreakpoints', { breakpoints: watched });
    const stop = await client.move('continue');
    assert.deepEqual([stop['reason'], stop['threadId'], stop['hitBreakpointIds']], ['data breakpoint', L2, [breakpoints[1]!.id]]);
    client.dispose();
  });

  it('shows each guest the registers and the last access that are its own, whichever of them the processor runs', async () => {
    const client = new TestClient(simulator, { [nested]: scenario });
    await client.start({ program: nested, lines: [lineIn(scenario, 'hlt()'), lineIn(scenario, 'entry [direct(pt) + 6')], filters: [] });
    const shown = async (threadId: number): Promise<{ readonly registers: string; readonly walk: string; readonly gva: string }> => {
      const { stackFrames } = await client.ask<{ stackFrames: DebugProtocol.StackFrame[] }>('stackTrace', { threadId });
      const { scopes } = await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: stackFrames[0]!.id });
      const rows = async (scope: string): Promise<readonly DebugProtocol.Variable[]> => {
        const { variablesReference } = scopes.find(({ name }) => name === scope)!;
        return (await client.ask<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference })).variables;
      };
      const registers = (await rows('Registers')).filter(({ name }) => ['cr0', 'cr3', 'efer'].includes(name)).map(({ value }) => value).join(', ');
      const { message } = await client.ask<WalkResponse>('pagewalk/walk', { threadId });
      return { registers, walk: message, gva: (await rows('Translation'))[0]!.value };
    };
    const ofL1 = '0x80010031 PE ET NE WP PG, l1.gpa:0x1000, 0xd00 LME LMA NXE';
    const ofL2 = '0x30 ET NE, l2.gpa:0x0, 0x0';
    assert.equal((await client.stopped())['threadId'], L2);
    const another = { walk: 'The last access was made by l2 cpu 0, not by l1 cpu 0: choose that thread.', gva: 'the last access was made by l2 cpu 0' };
    const own = { walk: 'The access is over: store at gva:0x5000 completes at hpa:0x111000.', gva: 'l2.gva:0x5000' };
    assert.deepEqual([await shown(1), await shown(L2)], [{ registers: ofL1, ...another }, { registers: ofL2, ...own }]);
    assert.equal((await client.move('continue'))['threadId'], 1);
    assert.deepEqual([await shown(1), await shown(L2)], [{ registers: ofL1, ...another }, { registers: ofL2, ...own }], 'VMLAUNCH and VMRESUME make no access');
    client.dispose();
  });

  it('stops at an exit of the nested guest on its thread, where the lines of the hypervisor stand', async () => {
    const client = new TestClient(simulator, { [nested]: scenario });
    await client.start({ program: nested, lines: [lineIn(scenario, 'byte [0x5000]')], filters: [] });
    assert.equal((await client.stopped())['threadId'], L2);
    const outer = (await client.ask<{ stackFrames: DebugProtocol.StackFrame[] }>('stackTrace', { threadId: 1 })).stackFrames[0]!;
    const eptp = await client.ask('evaluate', { expression: 'vmcs.eptp == eptp(pml4)', frameId: outer.id });
    assert.equal(eptp['result'], 'true', 'what L1 has in its VMCS can be looked at');
    await client.ask('setExceptionBreakpoints', { filters: ['vm-exit'] });
    const stop = await client.move('continue');
    assert.deepEqual([stop['reason'], stop['threadId']], ['exception', L2]);
    const { stackFrames } = await client.ask<{ stackFrames: DebugProtocol.StackFrame[] }>('stackTrace', { threadId: L2 });
    assert.deepEqual(stackFrames.slice(-2).map(({ name }) => name), ['l2 cpu 0', 'l1 cpu 0']);
    assert.match(stackFrames[0]!.name, /store \[0x5000\]|walk|handle/);
    client.dispose();
  });
});
