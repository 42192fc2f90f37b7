import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const program = '/lab/touch.guest';
const text = `machine { paging 4-level, ram 4M }
process p { 0x600000 .. 0x608000 rw user }

cpu 0 {
  switch(p)
  page = 0
  repeat 5 {
    user [0x600000 + page * 0x1000] = page
    page += 1
  }
  user [0x607000] = 1
  done = 1
}
`;
const line = (part: string): number => text.split('\n').findIndex((each) => each.includes(part)) + 1;

type Row = DebugProtocol.DisassembledInstruction;

async function stoppedAt(mmu: string, at: number, source = text): Promise<TestClient> {
  const client = new TestClient(simulator, { [program]: source });
  await client.start({ program, mmu, lines: [at] });
  await client.stopped();
  return client;
}

/** Rows of the statement stood at. */
async function rows(client: TestClient): Promise<readonly Row[]> {
  const memoryReference = await pointer(client);
  const { instructions } = await client.ask<{ instructions: Row[] }>('disassemble', { memoryReference, instructionCount: 1000 });
  return instructions.filter(({ presentationHint }) => presentationHint !== 'invalid');
}

async function pointer(client: TestClient): Promise<string> {
  const { instructionPointerReference } = await client.top();
  assert.ok(instructionPointerReference !== undefined);
  return instructionPointerReference;
}

async function set(client: TestClient, ...breakpoints: readonly object[]): Promise<readonly DebugProtocol.Breakpoint[]> {
  return (await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setInstructionBreakpoints', { breakpoints })).breakpoints;
}

async function noLines(client: TestClient): Promise<void> {
  await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [] });
}

function rowWith(shown: readonly Row[], part: string): Row {
  const found = shown.find(({ instruction }) => instruction.includes(part));
  assert.ok(found !== undefined, `"${part}" is missing in\n${shown.map(({ instruction }) => instruction).join('\n')}`);
  return found;
}

async function value(client: TestClient, expression: string): Promise<unknown> {
  return (await client.ask('evaluate', { expression, context: 'watch', frameId: (await client.top()).id }))['result'];
}

describe('an instruction breakpoint', () => {
  for (const mmu of ['ept', 'shadow-wp']) {
    it(`stops at its row, whichever of the statement's it is and from wherever one comes (${mmu})`, async () => {
      const client = await stoppedAt(mmu, line('user [0x607000] = 1'));
      const all = await rows(client);
      assert.ok(all.length > 25, `${all.length} rows`);
      await noLines(client);
      const [first, ...behind] = all;
      const others = behind.filter((_, i) => i % 6 === 1 || i === behind.length - 1);
      const told = await set(client, ...others.map(({ address }) => ({ instructionReference: address })));
      assert.deepEqual(told.filter(({ verified }) => !verified), []);
      for (const [i, { address }] of others.entries()) {
        const stop = await client.move('continue');
        assert.deepEqual([await pointer(client), stop['reason'], stop['hitBreakpointIds']], [address, 'instruction breakpoint', [told[i]!.id]], String(i));
      }
      for (const { address } of [...others].reverse().slice(1)) {
        await client.move('reverseContinue');
        assert.equal(await pointer(client), address);
      }
      // One at a time, by its offset from the first row: what comes before it does not stop.
      for (const each of others.filter((_, i) => i % 4 === 2)) {
        await set(client, { instructionReference: first!.address, offset: Number(BigInt(each.address) - BigInt(first!.address)) });
        await client.move('pagewalk/seek', { to: { step: Number(BigInt(first!.address) >> 20n), event: 0 } });
        await client.move('continue');
        assert.equal(await pointer(client), each.address);
      }
      client.dispose();
    });
  }

  it('stops each time that the statement comes by, under its condition and at its hit, forward and back', async () => {
    const client = await stoppedAt('ept', line('user [0x600000 +'));
    const shown = await rows(client);
    const exit = rowWith(shown, 'VM exit: EPT violation');
    const done = rowWith(shown, 'completes at');
    await noLines(client);
    const stops = async (motion: string): Promise<unknown[]> => {
      const found: unknown[] = [];
      for (;;) {
        const stop = await client.move(motion);
        if (stop['reason'] !== 'instruction breakpoint') return found;
        found.push(await value(client, 'page'));
      }
    };
    // A wall at the end, to be turned at.
    await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [{ line: line('done = 1') }] });
    await set(client, { instructionReference: done.address });
    assert.deepEqual(await stops('continue'), ['0x0', '0x1', '0x2', '0x3', '0x4']);
    assert.deepEqual(await stops('reverseContinue'), ['0x4', '0x3', '0x2', '0x1', '0x0']);
    await set(client, { instructionReference: done.address, condition: 'page >= 2 and event.gva != gva:0x603000' });
    assert.deepEqual(await stops('continue'), ['0x2', '0x4']);
    assert.deepEqual(await stops('reverseContinue'), ['0x4', '0x2']);
    await set(client, { instructionReference: done.address, hitCondition: '%2' });
    assert.deepEqual(await stops('continue'), ['0x1', '0x3']);
    assert.deepEqual(await stops('reverseContinue'), ['0x3', '0x1']);
    const [told] = await set(client, { instructionReference: exit.address });
    assert.equal(told?.verified, true);
    const exits = await stops('continue');
    assert.ok(exits.length >= 1 && exits.every((page) => typeof page === 'string'), String(exits));
    client.dispose();
  });

  it('on the row of an instruction stops before it, with what is known of the procedure', async () => {
    const client = await stoppedAt('native', line('user [0x600000 +'));
    const store = rowWith(await rows(client), 'store ');
    await noLines(client);
    const [told, wrong] = await set(client, { instructionReference: store.address, condition: 'page == 3' }, { instructionReference: store.address, condition: 'pages' });
    assert.deepEqual([told?.verified, told?.line, wrong?.verified], [true, line('user [0x600000 +'), false]);
    assert.match(wrong?.message ?? '', /^The condition cannot be used: /);
    const stop = await client.move('continue');
    assert.deepEqual([stop['reason'], stop['hitBreakpointIds'], await value(client, 'page')], ['instruction breakpoint', [told?.id], '0x3']);
    const [here] = await rows(client);
    assert.equal(here?.instruction, store.instruction);
    client.dispose();
  });

  it('says why it can never stop: no address, no row there', async () => {
    const client = await stoppedAt('ept', line('done = 1'));
    const here = await pointer(client);
    const told = await set(
      client, { instructionReference: 'soup' }, { instructionReference: '0xffffffffffffffff' }, { instructionReference: here, offset: 0xffff }, { instructionReference: '0x0' },
      { instructionReference: '0x1', offset: -2 }, { instructionReference: here, offset: 0.5 },
    );
    assert.deepEqual(told.map(({ verified, reason }) => [verified, reason]), told.map(() => [false, 'failed']));
    assert.equal(told[0]?.message, 'There is no instruction at "soup": a breakpoint goes on a row of the disassembly at which something stands.');
    assert.match(told[1]?.message ?? '', /^There is no instruction at 0xffffffffffffffff: /);
    assert.match(await client.refused('setInstructionBreakpoints', { breakpoints: [{ instructionReference: 5 }] }), /"breakpoints\[\].instructionReference" as text/);
    client.dispose();
  });

  it('is kept while the client sends others from elsewhere, and found for rows of earlier statements', async () => {
    const client = await stoppedAt('ept', line('user [0x600000 +'));
    const store = rowWith(await rows(client), 'store ');
    await noLines(client);
    await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [{ line: line('done = 1') }] });
    await client.move('continue');
    const [late] = await set(client, { instructionReference: store.address });
    assert.deepEqual([late?.verified, late?.line], [true, line('user [0x600000 +')]);
    const both = await set(client, { instructionReference: store.address }, { instructionReference: await pointer(client) });
    assert.deepEqual([both[0]?.id, both.map(({ verified }) => verified)], [late?.id, [true, true]]);
    assert.equal((await client.move('reverseContinue'))['reason'], 'instruction breakpoint');
    assert.equal(await value(client, 'page'), '0x4');
    client.dispose();
  });

  it('set while the scenario runs is looked up as soon as it stands still, and the run goes on', async () => {
    const endless = text.replace('repeat 5 {', 'repeat 0x7fffffff {').replace('page += 1', 'page = page').replace('done = 1', 'done = 2');
    const client = await stoppedAt('native', line('user [0x600000 +'), endless);
    const store = rowWith(await rows(client), 'store ');
    await noLines(client);
    const since = client.received.length;
    await client.ask('continue', { threadId: 1 });
    const [told] = await set(client, { instructionReference: store.address, hitCondition: '100' });
    assert.deepEqual([told?.verified, told?.reason], [false, 'pending']);
    const changed = (await client.event('breakpoint', since)).body?.['breakpoint'] as DebugProtocol.Breakpoint;
    assert.deepEqual([changed.id, changed.verified, changed.line], [told?.id, true, line('user [0x600000 +')]);
    await client.ask('pause', { threadId: 1 });
    await client.stopped(since);
    client.dispose();
  });

  it('lives on in a restart, unless the scenario has another instruction there', async () => {
    const files: Record<string, string> = { [program]: text };
    const client = new TestClient(simulator, files);
    await client.start({ program, mmu: 'ept', lines: [line('user [0x600000 +')] });
    await client.stopped();
    const done = rowWith(await rows(client), 'completes at');
    await noLines(client);
    const [told] = await set(client, { instructionReference: done.address });
    const restarted = async (): Promise<DebugProtocol.Breakpoint> => {
      const since = client.received.length;
      await client.ask('restart', {});
      return (await client.event('breakpoint', since)).body?.['breakpoint'] as DebugProtocol.Breakpoint;
    };
    const since = client.received.length;
    assert.deepEqual([(await restarted()).id, told?.verified], [told?.id, true]);
    assert.deepEqual([(await client.stopped(since))['reason'], await pointer(client)], ['instruction breakpoint', done.address]);
    files[program] = text.replace('  page = 0\n', '  page = 0\n  more = 1\n');
    const changed = await restarted();
    assert.equal(changed.verified, false);
    assert.match(changed.message ?? '', /^The scenario has another instruction at 0x[0-9a-f]+ by now: set the breakpoint anew in the disassembly\.$/);
    client.dispose();
  });
});
