import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { WalkResponse } from '../../src/protocol/requests';
import { TestClient } from './client';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { Transcript } from './transcript';

const scenarios = join(__dirname, '..', '..', 'scenarios');

/** The line (from 1) of a scenario that holds `text`. */
function lineWith(source: string, text: string): number {
  const line = source.split('\n').findIndex((each) => each.includes(text)) + 1;
  assert.ok(line > 0, `"${text}" stands in the scenario`);
  return line;
}

/** A session on a shipped scenario, known to it by its bare name: a transcript must not tell of this machine. */
function session(name: string): { client: TestClient; transcript: Transcript; text: string; program: string } {
  const program = `/scenarios/${name}`;
  const text = readFileSync(join(scenarios, name), 'utf8');
  const client = new TestClient(simulator, { [program]: text });
  return { client, transcript: new Transcript(client, { [program]: text }), text, program };
}

async function firstStop(client: TestClient, transcript: Transcript): Promise<void> {
  await Promise.race([client.event('stopped'), client.event('terminated')]);
  await transcript.arrival();
}

describe('sessions on the shipped scenarios, as a person sees them', () => {
  for (const mmu of ['shadow-wp', 'ept', 'native']) {
    it(`a guest writes its page table, under ${mmu}`, async () => {
      const { client, transcript: t, text, program } = session('page-table-write.guest');
      await client.start({ program, mmu, lines: [lineWith(text, 'entry [')], filters: ['page-table-write', 'expectation'] });
      await firstStop(client, t);
      t.note('to the store');
      await t.move('continue');
      await t.exceptionInfo();
      for (const scope of ['Values of this line', 'Locals', 'Translation']) await t.scope(scope);
      for (const expression of ['cr3', 'cr0.WP', 'event', 'nonsense', 'pte_at(p, 0x600000)', 'gpa_of(0x600000)']) await t.evaluate(expression);
      t.note('one line on and back again');
      await t.move('next');
      await t.move('stepBack');
      t.note('the same by single events');
      await t.move('next', { granularity: 'instruction' });
      await t.move('stepBack', { granularity: 'instruction' });
      t.note('back to the breakpoint, and to the start');
      await t.move('reverseContinue');
      await t.move('reverseContinue');
      t.note('out and to the end');
      await t.move('stepIn');
      await t.move('stepOut');
      for (let stops = 0; stops < 20 && client.events('terminated').length === 0; stops++) await t.move('continue');
      t.check(`page-table-write.${mmu}`);
    });
  }

  it('a hidden fault, line by line through the handler, reference by reference through the walk', async () => {
    const { client, transcript: t, program } = session('first-touch.guest');
    await client.start({ program, mmu: 'shadow-wp', filters: ['hidden-fault'], stopOnEntry: true });
    await firstStop(client, t);
    await t.move('continue');
    await t.scope('Values of this line');
    for (let lines = 0; lines < 4; lines++) await t.move('next');
    await t.move('stepOut');
    await t.move('stepIn');
    await t.move('next');
    t.check('first-touch.hidden-fault');
  });

  it('rows of the disassembly, stopped at forward and back', async () => {
    const { client, transcript: t, text, program } = session('2d-walk.guest');
    await client.start({ program, mmu: 'ept', lines: [lineWith(text, 'user x = [0x600000]')] });
    await firstStop(client, t);
    const rows = await t.disassembly(0, 200);
    const wanted = ['load EPT PDE', 'load PTE', 'completes at'].map((part) => rows.find(({ instruction }) => instruction.includes(part))!.address);
    t.note('a breakpoint on three of the rows');
    await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [] });
    await client.ask('setInstructionBreakpoints', { breakpoints: wanted.map((instructionReference) => ({ instructionReference })) });
    for (const motion of ['continue', 'continue', 'continue', 'reverseContinue', 'reverseContinue']) {
      await t.move(motion);
      await t.disassembly(1, 1, wanted);
    }
    await client.ask('disconnect');
    t.check('instruction-breakpoints');
  });

  it('CR3 writes, VM exits and guest page faults', async () => {
    for (const [filter, name, mmu] of [
      ['cr3-write', 'context-switch.guest', 'ept'],
      ['cr3-write', 'context-switch.guest', 'shadow-wp'],
      ['vm-exit', 'context-switch.guest', 'shadow-wp'],
      ['ept-violation', 'first-touch.guest', 'ept'],
      ['guest-page-fault', 'first-touch.guest', 'native'],
    ] as const) {
      const { client, program } = session(name);
      await client.start({ program, mmu, filters: [filter] });
      const stop = await client.stopped();
      assert.equal(stop['reason'], 'exception', `${filter} under ${mmu}`);
      assert.equal((await client.ask('exceptionInfo', { threadId: 1 }))['exceptionId'], filter);
      await client.ask('disconnect');
    }
  });
});

const EXITS_TOLD = {
  'shadow-wp': [
    'exit reason = 28 Control-register accesses', 'exit qualification = 0x3 CR3, MOV to CR, RAX', 'VM-exit instruction length = 3 bytes',
  ],
  'ept': [
    'exit reason = 48 EPT violation', 'exit qualification = 0x182 data write, guest-linear address valid, translation result',
    'guest-physical address = gpa:0x101000', 'guest-linear address = gva:0x600000',
  ],
  'npt': [
    'EXITCODE = 0x400 NPF', 'EXITINFO1 = 0x100000006 nested walk of the guest\'s final address, error code 0x6 (write, user)',
    'EXITINFO2 = gpa:0x101000 the faulting guest-physical address',
  ],
} as const;

describe('what has happened at a VM exit', () => {
  for (const [filter, name, mmu] of [
    ['vm-exit', 'context-switch.guest', 'shadow-wp'], ['ept-violation', 'first-touch.guest', 'ept'], ['vm-exit', 'npt.guest', 'npt'],
  ] as const) {
    it(`is told by the rows that its reason defines (${filter} under ${mmu})`, async () => {
      const { client, program } = session(name);
      await client.start({ program, mmu, filters: [filter] });
      await client.stopped();
      const { details } = await client.ask<DebugProtocol.ExceptionInfoResponse['body']>('exceptionInfo', { threadId: 1 });
      assert.deepEqual(details?.stackTrace?.split('\n'), EXITS_TOLD[mmu]);
      await client.ask('disconnect');
    });
  }
});

describe('the real machine under a session', () => {
  const forEver = 'machine { paging 4-level, ram 16M, mmu ept }\nprocess p { 0x600000 .. 0x601000 rw user }\n\ncpu 0 {\n  switch(p)\n  n = 0\n  while true {\n    n += 1\n    user [0x600000] = n\n  }\n}\n';
  const program = '/lab/for-ever.guest';

  function failingSession(): { client: TestClient; program: string } {
    const text = 'machine { paging 4-level, ram 16M, mmu ept }\nprocess p { 0x600000 .. 0x601000 rw user }\n\ncpu 0 {\n  switch(p)\n  user [0x600000] = 7\n  expect [0x600000] == 8\n}\n';
    return { client: new TestClient(simulator, { '/lab/fails.guest': text }), program: '/lab/fails.guest' };
  }

  async function running(): Promise<TestClient> {
    const client = new TestClient(simulator, { [program]: forEver });
    await client.start({ program });
    return client;
  }

  it('runs for ever until it is paused, steps, goes on, and ends with the session', async () => {
    const client = await running();
    assert.match(await client.refused('stackTrace', { threadId: 1 }), /only while the scenario is stopped/);
    const since = client.received.length;
    await client.ask('pause', { threadId: 1 });
    assert.equal((await client.stopped(since))['reason'], 'pause');
    assert.ok((await client.top()).line > 0);
    await client.move('next');
    await client.ask('continue', { threadId: 1 });
    await client.ask('disconnect');
    assert.equal(client.events('terminated').length, 1);
  });

  it('takes breakpoints while it runs, and stops at them', async () => {
    const line = await running();
    const { breakpoints } = await line.ask<{ breakpoints: { verified: boolean; id: number }[] }>('setBreakpoints', {
      source: { path: program },
      breakpoints: [{ line: 9, condition: 'n > 3' }],
    });
    assert.equal(breakpoints[0]?.verified, true);
    const stop = await line.stopped();
    assert.deepEqual([stop['reason'], stop['hitBreakpointIds']], ['breakpoint', [breakpoints[0].id]]);
    assert.equal((await line.top()).line, 9);
    await line.ask('disconnect');

    const event = await running();
    await event.ask('setFunctionBreakpoints', { breakpoints: [{ name: 'access_done' }] });
    assert.equal((await event.stopped())['reason'], 'function breakpoint');
    await event.ask('disconnect');
  });

  it('stops at hit counts and at what a condition says of the event', async () => {
    const client = new TestClient(simulator, { [program]: forEver });
    await client.initialize();
    await client.ask('launch', { program });
    await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [{ line: 8, hitCondition: '4' }] });
    await client.ask('configurationDone');
    await client.stopped();
    assert.equal((await client.ask('evaluate', { expression: 'n' }))['result'], '0x3');
    await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [] });
    await client.ask('setFunctionBreakpoints', {
      breakpoints: [{ name: 'access_done', condition: 'event.value == 7' }],
    });
    await client.move('continue');
    assert.equal((await client.ask('evaluate', { expression: 'n' }))['result'], '0x7');
    await client.ask('disconnect');
  });

  it('stops when a page-table entry is written, by its address', async () => {
    const { client, program: writes } = session('page-table-write.guest');
    for (const mmu of ['shadow-wp', 'ept']) {
      const c = mmu === 'ept' ? client : session('page-table-write.guest').client;
      await c.initialize();
      await c.ask('launch', { program: writes, mmu });
      const { breakpoints } = await c.ask<{ breakpoints: { verified: boolean; id: number }[] }>('setFunctionBreakpoints', {
        breakpoints: [{ name: 'write:gpa:0x104000' }, { name: 'write:gpa:0x104008' }],
      });
      await c.ask('configurationDone');
      const stop = await c.stopped();
      assert.deepEqual([stop['reason'], stop['hitBreakpointIds']], ['function breakpoint', [breakpoints[0]?.id]], mmu);
      await c.ask('disconnect');
    }
  });

  it('stops after an access to watched memory', async () => {
    const client = new TestClient(simulator, { [program]: forEver });
    await client.start({ program, stopOnEntry: true });
    await client.stopped();
    const info = await client.ask('dataBreakpointInfo', { name: 'gva:0x600000', asAddress: true });
    await client.ask('setDataBreakpoints', { breakpoints: [{ dataId: info['dataId'], accessType: 'write' }] });
    assert.equal((await client.move('continue'))['reason'], 'data breakpoint');
    await client.ask('disconnect');
  });

  it('reads all four address spaces, and stops reading at a hole', async () => {
    const client = new TestClient(simulator, { [program]: forEver });
    await client.start({ program, lines: [8] });
    await client.stopped();
    await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [{ line: 9, condition: 'n == 0x1234' }] });
    await client.move('continue');
    await client.move('next');
    const places = await Promise.all(['gpa_of', 'hva_of', 'hpa_of'].map(async (ask) =>
      String((await client.ask('evaluate', { expression: `${ask}(0x600000)` }))['memoryReference'])));
    assert.deepEqual(places.map((place) => place.slice(0, 4)), ['gpa:', 'hva:', 'hpa:']);
    for (const memoryReference of ['gva:0x600000', ...places]) {
      const { data } = await client.ask<{ data: string }>('readMemory', { memoryReference, count: 4 });
      assert.equal(Buffer.from(data, 'base64').readUInt32LE(), 0x1234, memoryReference);
    }
    const short = await client.ask<{ data: string; unreadableBytes: number }>('readMemory', { memoryReference: 'gva:0x600ff8', count: 64 });
    assert.deepEqual([Buffer.from(short.data, 'base64').length, short.unreadableBytes], [8, 56]);
    const none = await client.ask<{ data: string; unreadableBytes: number }>('readMemory', { memoryReference: 'gpa:0xfffffffff000', count: 64 });
    assert.equal(none.unreadableBytes, 64);
    await client.ask('disconnect');
  });

  it('tells both sides of an expectation that fails, where it stops', async () => {
    const { client, program: touch } = failingSession();
    await client.start({ program: touch, filters: ['expectation'] });
    const stop = await client.stopped();
    assert.equal(stop['reason'], 'exception');
    assert.match(String(stop['news']), /^expect \[0x600000\] == 8 fails: .*0x7.*0x8/);
    const info = await client.ask('exceptionInfo', { threadId: 1 });
    assert.equal(info['description'], stop['news']);
    await client.ask('disconnect');
  });

  it('shows registers with their bits, counters, and gives every value back by its evaluateName', async () => {
    const { client, program: touch } = session('first-touch.guest');
    await client.start({ program: touch, mmu: 'shadow-wp', filters: ['guest-page-fault'] });
    await client.stopped();
    const frame = await client.top();
    const { scopes } = await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: frame.id });
    let checked = 0;
    const visit = async (variablesReference: number): Promise<void> => {
      const { variables } = await client.ask<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference });
      assert.equal(new Set(variables.map(({ name }) => name)).size, variables.length, 'names in one container differ');
      for (const variable of variables) {
        if (variable.evaluateName !== undefined) {
          const again = await client.ask('evaluate', { expression: variable.evaluateName, frameId: frame.id });
          const shown = variable.value.split(' ')[0] ?? '';
          const same = String(again['result']) === shown || BigInt(String(again['result'])) === BigInt(shown);
          assert.ok(same, `${variable.evaluateName} is ${shown} and ${String(again['result'])}`);
          checked++;
        }
        if (variable.variablesReference > 0) await visit(variable.variablesReference);
      }
    };
    for (const scope of scopes) await visit(scope.variablesReference);
    assert.deepEqual(scopes.map(({ name }) => name), ['Locals', 'Globals', 'Translation', 'Registers', 'TLB', 'Tables', 'Hypervisor', 'Host', 'Counters']);
    assert.ok(checked > 60, `${checked} values were checked`);
    await client.ask('disconnect');
  });

  it('tells what the estimated cycles come from, below them', async () => {
    const { client, program: touch } = session('first-touch.guest');
    await client.start({ program: touch, mmu: 'ept', stopOnEntry: true });
    await client.stopped();
    for (let i = 0; i < 6; i++) await client.move('next');
    const { id: frameId } = await client.top();
    const { scopes } = await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId });
    const rows = async (variablesReference: number): Promise<DebugProtocol.Variable[]> => (
      await client.ask<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference })
    ).variables;
    const counters = await rows(scopes.find(({ name }) => name === 'Counters')!.variablesReference);
    const estimate = counters.find(({ name }) => name === 'estimated cycles');
    assert.ok(estimate !== undefined && estimate.variablesReference > 0, JSON.stringify(counters.map(({ name, value }) => [name, value])));
    const parts = await rows(estimate.variablesReference);
    for (const { value } of parts) assert.match(value, /^\d+ = \d+ × \d+ \((read|assumed)\)$/);
    assert.equal(parts.reduce((sum, { value }) => sum + parseInt(value, 10), 0), Number(estimate.value));
    assert.ok(parts.length >= 2);
    await client.ask('disconnect');
  });

  it('stops before boot when asked, and shows it', async () => {
    const { client, program: touch } = session('first-touch.guest');
    await client.start({ program: touch, stopAtBoot: true });
    assert.equal((await client.stopped())['reason'], 'entry');
    await client.move('stepIn');
    assert.equal((await client.top()).source?.name, 'kernel.guest');
    await client.ask('disconnect');
  });

  it('lists the table trees of every space', async () => {
    const { client, program: touch } = session('first-touch.guest');
    await client.start({ program: touch, mmu: 'shadow-wp', filters: ['hidden-fault'] });
    await client.stopped();
    for (const space of ['guest', 'shadow', 'host']) {
      const { nodes } = await client.ask<{ nodes: unknown[] }>('pagewalk/tables', { space });
      assert.ok(nodes.length > 0, space);
    }
    assert.match(String((await client.ask('pagewalk/tables', { space: 'ept' }))['message']), /shadow-wp/);
    assert.match(await client.refused('pagewalk/tables', { space: 'moon' }), /no tables called "moon"/);
    await client.ask('disconnect');
  });

  it('draws the walk that runs, with the reference being made lit', async () => {
    const { client, program: touch } = session('first-touch.guest');
    await client.start({ program: touch, mmu: 'ept', stopOnEntry: true });
    await client.stopped();
    await client.ask('setFunctionBreakpoints', { breakpoints: [{ name: 'table_read', condition: 'event.level == 2' }] });
    await client.move('continue');
    const first = await client.ask<WalkResponse>('pagewalk/walk', { threadId: 1 });
    assert.equal(first.walks.at(-1)?.references.length, 24);
    assert.ok(first.lit !== undefined);
    await client.move('next');
    const second = await client.ask<WalkResponse>('pagewalk/walk', { threadId: 1 });
    assert.equal(second.lit?.number, first.lit.number + 1, 'next in a walk frame is one reference on');
    await client.move('stepBack');
    assert.deepEqual((await client.ask<WalkResponse>('pagewalk/walk', { threadId: 1 })).lit, first.lit);
    assert.match(await client.refused('pagewalk/walk', { threadId: 9 }), /There is no thread 9: thread 1 is CPU 0/);
    await client.ask('disconnect');
  });

  it('stops at a line of a listing; a comment or a heading moves to the first line that runs', async () => {
    const { client, program: touch } = session('first-touch.guest');
    await client.start({ program: touch, mmu: 'shadow-wp', stopOnEntry: true });
    await client.stopped();
    const { sources } = await client.ask<{ sources: DebugProtocol.Source[] }>('loadedSources');
    const source = sources.find(({ name }) => name === 'shadow-wp.vmm');
    const { content } = await client.ask<{ content: string }>('source', { source, sourceReference: source?.sourceReference });
    const heading = content.split('\n').findIndex((line) => line.startsWith('handle_page_fault(')) + 1;
    const { breakpoints } = await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setBreakpoints', {
      source,
      breakpoints: [{ line: heading - 1 }, { line: 99_999 }],
    });
    assert.deepEqual(breakpoints.map(({ verified, line, message }) => [verified, line ?? message]), [[true, heading + 1], [false, 'Nothing runs on line 99999 of shadow-wp.vmm: choose a line where something does.']]);
    await client.move('continue');
    const top = await client.top();
    assert.deepEqual([top.source?.name, top.line], ['shadow-wp.vmm', heading + 1]);
    await client.ask('disconnect');
  });
});
