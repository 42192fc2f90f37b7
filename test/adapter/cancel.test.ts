import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { MOTION_REQUEST } from '../../src/protocol/motionRequests';
import { TestClient } from './client';
import { scriptedSimulator } from './scriptedSimulator';

const program = '/lab/long.guest';
/** Far longer than the first slice of a motion, which comes with the answer to its request. */
const text = `machine { paging 4-level, ram 16M, mmu native }
process p { 0x600000 .. 0x604000  rw user }
cpu 0 {
  switch(p)
  first = 1
  n = 0
  while n < 400_000 {
    n += 1
    user [0x600000 + (n & 3) * 4096] = n
  }
  last = 1
}
`;
const lineOf = (wanted: string): number => text.split('\n').findIndex((line) => line.includes(wanted)) + 1;

/** A session that has run through the loop, and would run back to its first line if nobody stopped it. */
async function farFromTheStart(more: object = {}): Promise<TestClient> {
  const client = new TestClient(simulator, { [program]: text });
  await client.initialize(more);
  await client.ask('launch', { program });
  await client.event('initialized');
  await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [{ line: lineOf('last = 1') }] });
  await client.ask('configurationDone');
  await client.stopped();
  await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [{ line: lineOf('first = 1') }] });
  return client;
}

describe('a long motion', () => {
  it('is progress to a client that shows such, until that is cancelled', async () => {
    const client = new TestClient(scriptedSimulator, { [program]: 'a\nloop' });
    await client.initialize({ supportsProgressReporting: true });
    await client.ask('launch', { program });
    await client.event('initialized');
    await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [{ line: 2 }] });
    await client.ask('configurationDone');
    await client.stopped();
    const since = client.received.length;
    const { request_seq: requestId } = await client.request('next', { threadId: 1 });
    const { body: start } = await client.event('progressStart', since);
    assert.deepEqual([start?.['title'], start?.['requestId'], start?.['cancellable'], start?.['message']], ['Stepping', requestId, true, 'step 1']);
    await client.event('progressUpdate', since);
    await client.ask('cancel', { progressId: start?.['progressId'] });
    assert.match(String((await client.stopped(since))['text']), /^Cancelled \(step \d+\)$/);
    const names = client.received.slice(since).flatMap((message) => (message.type === 'event' ? [(message as DebugProtocol.Event).event] : []));
    assert.deepEqual(names.filter((name) => name !== 'progressUpdate'), ['progressStart', 'progressEnd', 'stopped']);
  });

  it('back leaves the moment at which it began when it is cancelled, by the number of its request, or paused', async () => {
    const client = await farFromTheStart();
    const began = await client.ask('pagewalk/moments');
    for (const breakOff of ['cancel', 'pause']) {
      const since = client.received.length;
      const { request_seq: requestId } = await client.request('reverseContinue', { threadId: 1 });
      await client.ask(breakOff, { requestId });
      assert.match(String((await client.stopped(since))['text']), breakOff === 'cancel' ? /^Cancelled \(step \d+\)$/ : /^Paused by you \(step \d+\)$/);
      assert.deepEqual(await client.ask('pagewalk/moments'), began);
    }
    assert.deepEqual((await client.move('reverseContinue'))['reason'], 'breakpoint');
  });

  it('forward stops where it has come to when it is cancelled', async () => {
    const client = await farFromTheStart();
    await client.move(MOTION_REQUEST.seek, { to: 'start' });
    const since = client.received.length;
    const { request_seq: requestId } = await client.request(MOTION_REQUEST.seek, { to: 'end' });
    await client.ask('cancel', { requestId });
    assert.match(String((await client.stopped(since))['text']), /^Cancelled \(step \d+, in the past\)$/);
    assert.deepEqual(client.events('progressStart'), [], 'it has not said that it shows progress');
  });
});
