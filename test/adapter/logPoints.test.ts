import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';
import { Transcript } from './transcript';

const program = '/lab/log.guest';
const text = `machine { paging 4-level, ram 16M, mmu shadow-wp }
process p { 0x600000 .. 0x604000 rw user lazy }
cpu 0 {
  switch(p)
  for a in 0x600000 .. 0x604000 step 4K {
    user [a] = 5
    x = a
  }
  print "done"
}
`;

interface Asked {
  readonly lines?: readonly DebugProtocol.SourceBreakpoint[];
  readonly functions?: readonly (DebugProtocol.FunctionBreakpoint & { readonly logMessage?: string })[];
  readonly listing?: readonly DebugProtocol.SourceBreakpoint[];
  readonly noDebug?: boolean;
  readonly stopOnEntry?: boolean;
}

async function launched({ lines = [], functions = [], listing = [], ...more }: Asked): Promise<TestClient> {
  const client = new TestClient(simulator, { [program]: text });
  await client.initialize();
  await client.ask('launch', { program, ...more });
  await client.event('initialized');
  await client.ask('setBreakpoints', { source: { path: program }, breakpoints: lines });
  await client.ask('setBreakpoints', { source: { name: 'shadow-wp.vmm', sourceReference: await listingReference(client) }, breakpoints: listing });
  await client.ask('setFunctionBreakpoints', { breakpoints: functions });
  await client.ask('configurationDone');
  return client;
}

async function listingReference(client: TestClient): Promise<number | undefined> {
  const { sources } = await client.ask<{ sources: DebugProtocol.Source[] }>('loadedSources');
  return sources.find(({ name }) => name === 'shadow-wp.vmm')?.sourceReference;
}

async function toTheEnd(asked: Asked): Promise<string> {
  const client = await launched(asked);
  await client.event('terminated');
  assert.deepEqual(client.events('stopped'), [], 'a log point stops nobody');
  return client.output.replace(/log\.guest under.*\n/, '');
}

describe('a log point', () => {
  it('says its message each time, with the values of expressions, and stops nobody', async () => {
    const said = await toTheEnd({ lines: [{ line: 6, logMessage: 'about to write {a}, {1 + 1}: {p} \\{x\\}' }] });
    assert.equal(said, `${[0, 1, 2, 3].map((n) => `about to write 0x60${n}000, 0x2: p {x}\n`).join('')}done\n`);
  });

  it('has a condition and a hit count', async () => {
    assert.equal(await toTheEnd({ lines: [{ line: 6, logMessage: '{a}', condition: 'a == 0x602000' }] }), '0x602000\ndone\n');
    assert.equal(await toTheEnd({ lines: [{ line: 6, logMessage: '{a}', hitCondition: '>=3' }] }), '0x602000\n0x603000\ndone\n');
    assert.match(await toTheEnd({ lines: [{ line: 6, logMessage: 'never', condition: '1 / (a - a) == 1' }] }), /^(The log point's condition has no value: division by zero\n){4}done\n$/);
  });

  it('tells what an expression has no value for, in its place', async () => {
    const said = await toTheEnd({ lines: [{ line: 6, logMessage: 'there is {[a]}' }] });
    assert.match(said.split('\n')[0] ?? '', /^there is \{.*not mapped.*\}$/);
  });

  it('may be at an event, where the client asks for it, and sees the event', async () => {
    const said = await toTheEnd({ functions: [{ name: 'page_fault', logMessage: 'fault at {event.gva}, in a handler: {event.kind == page_fault}' }] });
    const [first, second] = said.split('\n');
    assert.match(first ?? '', /^fault at .*0x600000, in a handler: true$/);
    assert.match(second ?? '', /^fault at gva:0x0, in a handler: false$/);
  });

  it('keeps silent in a run without debugging', async () => {
    assert.equal(await toTheEnd({ lines: [{ line: 6, logMessage: 'said' }], noDebug: true }), 'done\n');
  });

  it('speaks once a moment, whichever way time runs: by statements, by events, back and forward', async () => {
    const client = await launched({
      lines: [{ line: 6, logMessage: 'line {a}' }, { line: 9 }], functions: [{ name: 'vm_exit', logMessage: 'exit' }], stopOnEntry: true,
    });
    await client.stopped();
    await client.move('next');
    for (let i = 0; i < 6; i++) await client.move('stepIn', { granularity: 'instruction' });
    for (let i = 0; i < 3; i++) await client.move('stepBack', { granularity: 'instruction' });
    for (let i = 0; i < 9; i++) await client.move('next', { granularity: 'instruction' });
    await client.move('continue');
    await client.move('reverseContinue');
    await client.move('continue');
    await client.ask('continue', { threadId: 1 });
    await client.event('terminated');
    const straight = await toTheEnd({ lines: [{ line: 6, logMessage: 'line {a}' }], functions: [{ name: 'vm_exit', logMessage: 'exit' }] });
    assert.equal(client.output.replace(/log\.guest under.*\n/, ''), straight);
    assert.equal(straight.match(/^line /gm)?.length, 4);
  });

  it('is said where a person sees it: beside its line, or in a listing with the values there', async () => {
    const client = await launched({ lines: [{ line: 6, logMessage: 'write to {a}' }, { line: 7, condition: 'a == 0x601000' }], stopOnEntry: true });
    const transcript = new Transcript(client, { [program]: text });
    await client.stopped();
    await transcript.arrival();
    const reference = await listingReference(client);
    const { content } = await client.ask<{ content: string }>('source', { source: { sourceReference: reference }, sourceReference: reference });
    const listing = content.split('\n');
    const line = listing.findIndex((each) => each.includes('guest = walk(guest CR3, gva)')) + 1;
    transcript.note(`a log point in shadow-wp.vmm: ${(listing[line - 1] ?? '').trim()}`);
    await client.ask('setBreakpoints', {
      source: { name: 'shadow-wp.vmm', sourceReference: reference }, breakpoints: [{ line, logMessage: 'a fault at {gva}, code {error_code}' }],
    });
    await transcript.move('continue');
    await transcript.move('stepBack');
    await transcript.move('next');
    await transcript.move('continue');
    transcript.check('log-points');
  });
});
