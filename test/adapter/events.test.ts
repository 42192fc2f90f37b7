import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const program = '/lab/events.guest';
const text = `machine { paging 4-level, ram 4M, mmu ept }
process p { 0x600000 .. 0x601000 rw user }

cpu 0 {
  switch(p)
  user [0x600000] = 1
  barrier met
}
cpu 1 {
  barrier met
}
`;
const line = (part: string): number => text.split('\n').findIndex((each) => each.includes(part)) + 1;

type Output = DebugProtocol.OutputEvent['body'];

async function stopped(files: Record<string, string> = { [program]: text }): Promise<TestClient> {
  const client = new TestClient(simulator, files);
  await client.start({ program, lines: [line('user [')] });
  await client.stopped();
  return client;
}

/** What a command of the console says beside its answer. */
async function typed(client: TestClient, expression: string): Promise<{ readonly said: readonly Output[]; readonly answer: unknown }> {
  const since = client.events('output').length;
  const answer = (await client.ask('evaluate', { expression, context: 'repl' }))['result'];
  return { said: client.events('output').slice(since).map(({ body }) => body as unknown as Output), answer };
}

describe('events beside stops', () => {
  it('tell of the threads as a run begins, before anything has stopped, and of those that a restart has not', async () => {
    const files: Record<string, string> = { [program]: text };
    const client = await stopped(files);
    const told = (): unknown => client.events('thread').map(({ body }) => [body?.['reason'], body?.['threadId']]);
    const both = [['started', 1], ['started', 2]];
    assert.deepEqual(told(), both);
    const first = client.received.findIndex((message) => message.type === 'event' && (message as DebugProtocol.Event).event === 'stopped');
    const later = client.received.slice(first).filter((message) => message.type === 'event' && (message as DebugProtocol.Event).event === 'thread');
    assert.deepEqual([first > 0, later], [true, []]);
    files[program] = text.replace(/cpu 1 [^]*$/, '').replace('barrier met', 'done = 1');
    const since = client.received.length;
    await client.ask('restart', {});
    await client.stopped(since);
    assert.deepEqual(told(), [...both, ['exited', 2]]);
    assert.equal((await client.ask<{ threads: unknown[] }>('threads')).threads.length, 1);
    client.dispose();
  });

  it('tell in a restart of sources that are gone and that are new, and of none where none is', async () => {
    const files: Record<string, string> = { [program]: text };
    const client = await stopped(files);
    const restart = async (args: object): Promise<readonly unknown[]> => {
      const since = client.received.length;
      const told = client.events('loadedSource').length;
      await client.ask('restart', args);
      await client.stopped(since);
      return client.events('loadedSource').slice(told).map(({ body }) => [body?.['reason'], (body?.['source'] as DebugProtocol.Source).name]);
    };
    assert.deepEqual(await restart({}), []);
    const { sources: [, , eptSource] } = await client.ask<{ sources: DebugProtocol.Source[] }>('loadedSources');
    assert.equal(eptSource?.name, 'ept.vmm');
    const changes = await restart({ arguments: { program, mmu: 'shadow-wp' } });
    assert.deepEqual(changes.filter((each) => /\.vmm/.test(String(each))), [['removed', 'ept.vmm'], ['new', 'shadow-wp.vmm']]);
    const { breakpoints: [listed] } = await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setBreakpoints', { source: eptSource, breakpoints: [{ line: 3 }] });
    assert.deepEqual([listed?.verified, listed?.message], [false, 'ept.vmm is not part of the running scenario.']);
    client.dispose();
  });

  it('trace a step with a group for each VM exit, each line with its place', async () => {
    const client = await stopped();
    assert.deepEqual(await typed(client, 'trace'), { said: [], answer: 'Nothing has happened in this step yet; `trace statement` tells what is to come.' });
    const { said, answer } = await typed(client, 'trace statement');
    assert.match(String(answer), /^\d+ events, 1 VM exit$/);
    const opened = said.findIndex(({ group }) => group === 'startCollapsed');
    const closed = said.findIndex(({ group }) => group === 'end');
    assert.match(said[opened]!.output, /^ {4}VM exit: EPT violation\n$/);
    assert.match(said[closed]!.output, /^ {4}VM entry with CR3/);
    assert.deepEqual([said[opened]!.source?.path, said[opened]!.line], [program, line('user [')]);
    const handled = said.slice(opened + 1, closed);
    const listed = handled.filter(({ source }) => source?.name === 'ept.vmm');
    assert.ok(listed.length > 3 && listed.every(({ output, line: at }) => output.includes(`ept.vmm:${String(at)} `)), JSON.stringify(listed.slice(0, 3)));
    assert.deepEqual([...said.slice(0, opened), ...handled, ...said.slice(closed + 1)].filter(({ group }) => group !== undefined), []);

    // Stopped inside of the exit, the group is closed all the same.
    await client.ask('setExceptionBreakpoints', { filters: ['vm-exit'] });
    await client.move('continue');
    const inside = (await typed(client, 'trace')).said;
    assert.deepEqual(inside.flatMap(({ group }) => (group === undefined ? [] : [group])), ['startCollapsed', 'end']);
    assert.equal(inside[inside.length - 1]!.output, '');
    assert.match(String((await client.request('evaluate', { expression: 'trace soup', context: 'repl' })).message), /^`trace` does not know "soup": write statement, or nothing\.$/);
    client.dispose();
  });

  it('tell what a run has come to that is ended by the person, stopped or running, whichever way', async () => {
    const client = await stopped();
    await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [{ line: line('barrier met') }] });
    await client.move('continue');
    await client.ask('terminate');
    await client.event('terminated');
    assert.match(client.output, /^events\.guest under ept: ended by you at step \d+; 0 expectations held, 0 failed, 1 VM exit so far\.\n$/);
    client.dispose();
    const endless = new TestClient(simulator, { [program]: 'machine { paging 4-level, ram 4M }\nprocedure endless() {\n  n = 0\n  repeat 0x7fffffff { n += 1 }\n}\ncpu 0 {\n  endless()\n}\n' });
    await endless.start({ program, mmu: 'native', lines: [7] });
    await endless.stopped();
    await endless.ask('next', { threadId: 1 });
    const since = endless.received.length;
    await endless.ask('terminate');
    assert.match(await endless.refused('restart', {}), /the scenario ended meanwhile|the session is over/);
    await endless.event('terminated');
    assert.match(endless.output, /under native: ended by you at step \d+; 0 expectations held, 0 failed, 0 VM exits so far\.\n$/);
    assert.deepEqual(endless.received.slice(since).filter((message) => (message as DebugProtocol.Event).event === 'stopped'), [], 'no stop is told of behind that');
    endless.dispose();
  });
});
