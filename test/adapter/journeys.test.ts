import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { MOTION_REQUEST, type MomentsResponse } from '../../src/protocol/motionRequests';
import { TestClient } from './client';
import { Transcript } from './transcript';

const program = '/lab/stale.guest';
const text = `machine { paging 4-level, ram 16M, mmu ept }
process p { 0x600000 .. 0x601000  rw user }

procedure make_readonly(slot) {
  entry [slot] &= ~RW
}

cpu 0 {
  switch(p)
  user [0x600000] = 1
  slot = pte_at(p, 0x600000)
  make_readonly(slot)
  user [0x600000] = 2
  expect page_fault(user, write, present) at 0x600000
}
`;

async function stopped(more: object = {}): Promise<TestClient> {
  const client = new TestClient(simulator, { [program]: text });
  await client.start({ program, filters: ['expectation'], ...more });
  await client.stopped();
  return client;
}

const lineOf = (wanted: string): number => text.split('\n').findIndex((line) => line.includes(wanted)) + 1;

describe('motions beyond the protocol', () => {
  it('stand on the line of the listing that walks, where the hypervisor walks in software', async () => {
    const client = new TestClient(simulator, { [program]: text });
    await client.start({ program, mmu: 'shadow-wp', lines: [lineOf('slot = pte_at')] });
    await client.stopped();
    await client.move(MOTION_REQUEST.lastWrite, { memoryReference: 'gpa:0x100000' });
    const { stackFrames: [walk, handler] } = await client.ask<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId: 1 });
    assert.deepEqual([walk?.name, walk?.source?.name, walk?.line], ['walk: PML4E', 'shadow-wp.vmm', handler?.line]);
    assert.match(handler?.name ?? '', /^handle_page_fault/);
  });

  it('lead from the failure of a stale TLB line back to the write that caused it', async () => {
    const client = new TestClient(simulator, { [program]: text });
    const t = new Transcript(client, { [program]: text });
    await client.start({ program, filters: ['expectation'] });
    await client.stopped();
    await t.arrival();
    for (const expression of ['[0x600000]', 'walk(0x600000).writable', 'tlb.holds(0x600000)']) await t.evaluate(expression);
    t.note('the store should have been refused: back to it');
    await t.move(MOTION_REQUEST.lastWrite, { memoryReference: 'gva:0x600000' });
    t.note('where did its translation come from?');
    await t.move('stepBack', { granularity: 'instruction' });
    await t.move(MOTION_REQUEST.reverseStepOut);
    t.note('a TLB line had it writable, the tables have not: who took the right away, and did not say so?');
    await t.evaluate('slot');
    await t.move(MOTION_REQUEST.lastWrite, { memoryReference: await slotOf(client) });
    t.note('whose call was it?');
    await t.move(MOTION_REQUEST.reverseStepOut);
    t.note('and the TLB line? it was made behind the VM exit before');
    await t.move(MOTION_REQUEST.previousExit);
    await t.move('stepIn');
    await t.move(MOTION_REQUEST.reverseStepOut);
    t.note('forward no exit comes before the failure; between start, cursor and end of history');
    await t.move(MOTION_REQUEST.nextExit);
    await t.move(MOTION_REQUEST.reverseToCursor, { source: { path: program }, line: lineOf('  make_readonly(slot)') });
    await t.move(MOTION_REQUEST.seek, { to: 'start' });
    await t.move(MOTION_REQUEST.seek, { to: 'end' });
    t.check('stale-tlb.back-to-the-write');
  });

  it('are told to the client, which does not know that they move: answer, continued, stopped', async () => {
    const client = await stopped();
    const since = client.received.length;
    await client.ask(MOTION_REQUEST.previousExit, { threadId: 1 });
    await client.event('stopped', since);
    const names = client.received.slice(since).map((message) => (message.type === 'event' ? (message as DebugProtocol.Event).event : message.type));
    assert.deepEqual(names, ['response', 'continued', 'stopped']);
  });

  it('tell where in the run one stands, and go to any moment of it', async () => {
    const client = await stopped();
    const { present, first, latest, isInThePast } = await client.ask<MomentsResponse>(MOTION_REQUEST.moments);
    assert.deepEqual([latest, isInThePast, first.event], [present, false, 0]);
    const half = Math.floor((first.step + present.step) / 2);
    assert.match(String((await client.move(MOTION_REQUEST.seek, { to: { step: half } }))['text']), new RegExp(`^Went to this moment \\(step ${half}, in the past\\)$`));
    assert.deepEqual(await client.ask(MOTION_REQUEST.moments), { present: { step: half, event: 0 }, first, latest: present, isInThePast: true });
    const beyond = await client.move(MOTION_REQUEST.seek, { to: { step: 0 } });
    assert.deepEqual([beyond['reason'], beyond['news']], [
      'entry', 'Step 0 lies before the first one that is shown. This is where the recording starts: there is nothing before it.',
    ]);
  });

  it('are refused with a sentence where they make no sense', async () => {
    const client = await stopped();
    const refusals: readonly (readonly [string, object, string])[] = [
      [MOTION_REQUEST.seek, { to: 'elsewhere' }, '"pagewalk/seek" needs the argument "to" as "start", "end", or {"step": N, "event": M}, whole numbers from 0 on.'],
      [MOTION_REQUEST.seek, { to: { step: -1 } }, '"pagewalk/seek" needs the argument "to" as "start", "end", or {"step": N, "event": M}, whole numbers from 0 on.'],
      [MOTION_REQUEST.nextExit, { threadId: 1, of: 'all' }, '"pagewalk/nextExit" needs the argument "of" as "thread" or "any".'],
      [MOTION_REQUEST.previousExit, { threadId: 9 }, 'There is no thread 9: thread 1 is CPU 0.'],
      [MOTION_REQUEST.lastWrite, { memoryReference: 'soup' }, '"soup" is no memory reference: write SPACE:0xADDRESS with gva, gpa, hva or hpa.'],
      [MOTION_REQUEST.lastWrite, { memoryReference: 'gva:0x700000' }, 'gva:0x700000 is no memory as the tables stand.'],
      [MOTION_REQUEST.lastWrite, { memoryReference: 'gva:0x600000', bytes: 0 }, '"pagewalk/lastWrite" needs the argument "bytes" as a number of bytes, 1 or more.'],
      [MOTION_REQUEST.reverseToCursor, { threadId: 1, source: { path: '/no/such.guest' }, line: 1 }, '/no/such.guest is not part of the running scenario.'],
      [MOTION_REQUEST.reverseToCursor, { threadId: 1, source: { path: program }, line: 99 }, 'Nothing runs on line 99 of /lab/stale.guest: choose a line where something does.'],
    ];
    for (const [request, args, sentence] of refusals) assert.equal(await client.refused(request, args), sentence);
  });

  it('run to the cursor inside a step too, forward by a breakpoint of the moment and backward by a request', async () => {
    const client = await stopped({ filters: ['ept-violation'] });
    const { sources } = await client.ask<{ sources: DebugProtocol.Source[] }>('loadedSources');
    const source = sources.find(({ name }) => name === 'ept.vmm')!;
    const { content } = await client.ask<{ content: string }>('source', { source, sourceReference: source.sourceReference });
    const line = content.split('\n').findIndex((each) => each.includes('slot = memslot that holds gpa')) + 1;
    assert.ok(line > 0);
    const before = await client.ask<MomentsResponse>(MOTION_REQUEST.moments);
    await client.ask('setBreakpoints', { source, breakpoints: [{ line }] });
    await client.move('continue');
    await client.ask('setBreakpoints', { source, breakpoints: [] });
    const there = await client.ask<MomentsResponse>(MOTION_REQUEST.moments);
    assert.deepEqual([(await client.top()).line, there.present.step], [line, before.present.step], 'it is in the same step');
    await client.move('next');
    await client.move(MOTION_REQUEST.reverseToCursor, { source, line });
    assert.deepEqual(await client.ask(MOTION_REQUEST.moments), { ...there, latest: (await client.ask<MomentsResponse>(MOTION_REQUEST.moments)).latest, isInThePast: true });
  });
});

/** The address that is in the variable `slot`, as a memory reference. */
async function slotOf(client: TestClient): Promise<string> {
  const frame = await client.top();
  return (await client.ask<{ result: string }>('evaluate', { expression: 'slot', frameId: frame.id })).result;
}
