import { strict as assert } from 'node:assert';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const program = '/lab/input.guest';
const heading = 'machine { paging 4-level, ram 16M, mmu ept }\nprocess p { 0x600000 .. 0x601000 rw user }\n';
const text = `${heading}cpu 0 {\n  switch(p)\n  n = 1\n  user [0x600000] = n\n  n = 2\n}\n`;

/** What a client may get wrong while the scenario is stopped, and the sentence it gets. */
const refused: readonly (readonly [what: string, command: string, args: unknown, sentence: RegExp])[] = [
  ['a request that nobody knows', 'attach', {}, /^Pagewalk does not know the request "attach"\.$/],
  ['a name of the language of the adapter', 'constructor', {}, /^Pagewalk does not know the request "constructor"\.$/],
  ['a request of an earlier phase', 'launch', { program }, /^"launch" cannot be answered while the session is stopped: it is answered while the session is not launched\.$/],
  ['an argument that is left out', 'next', {}, /^"next" needs the argument "threadId" as a number\.$/],
  ['arguments that are none', 'evaluate', [1], /^"evaluate" needs the argument "expression" as text\.$/],
  ['an argument of another kind', 'next', { threadId: 1, granularity: 3 }, /^"next" needs the argument "granularity" as text\.$/],
  ['a part of a list of another kind', 'setBreakpoints', { source: { path: program }, breakpoints: [{ line: 4, condition: 7 }] }, /^"setBreakpoints" needs the argument "breakpoints\[\]\.condition" as text\.$/],
  ['a part of an object of another kind', 'breakpointLocations', { source: { path: 7 }, line: 1 }, /^"breakpointLocations" needs the argument "source\.path" as text\.$/],
  ['a thread that there is not', 'stackTrace', { threadId: 9 }, /^There is no thread 9: thread 1 is CPU 0\.$/],
  ['a frame of no stop', 'scopes', { frameId: -1 }, /^Frame -1 belongs to an earlier stop: ask for the stack trace again\.$/],
  ['variables of no stop', 'variables', { variablesReference: 9e15 }, /^Variables reference 9000000000000000 belongs to an earlier stop: ask for the scopes again\.$/],
  ['an empty source', 'breakpointLocations', { source: {}, line: 1 }, /^A source without a name, a path and a reference is not a source of this session\.$/],
  ['a source of another session', 'source', { sourceReference: 99 }, /^Source reference 99 is not a source of this session\.$/],
  ['the text of a file', 'source', { source: { path: program }, sourceReference: 0 }, /^\/lab\/input\.guest is a file: read it where it lies; only listings and the kernel library are told by reference\.$/],
  ['the text of a file, by a number', 'source', { source: { path: '' }, sourceReference: 1 }, /^\/lab\/input\.guest is a file: read it where it lies; only listings and the kernel library are told by reference\.$/],
  ['a huge range of memory', 'readMemory', { memoryReference: 'gpa:0x0', count: 2 ** 50 }, /^1125899906842624 bytes cannot be read at once: ask for 0 to 1048576\.$/],
  ['a place that is none', 'readMemory', { memoryReference: 'moon:1', count: 1 }, /is no memory reference: write SPACE:0xADDRESS/],
  ['a table of no space', 'pagewalk/tables', { space: 'moon' }, /no tables called "moon"/],
  ['memory that is not mapped', 'evaluate', { expression: '[0xffffffffffffffff]' }, /^gva:0xffffffffffffffff is not mapped: the walk ends at the PML4E\.$/],
];

async function stopped(files: Record<string, string> = { [program]: text }): Promise<TestClient> {
  const client = new TestClient(simulator, files);
  await client.start({ program, stopOnEntry: true });
  await client.stopped();
  return client;
}

describe('bad input', () => {
  let client: TestClient;
  before(async () => { client = await stopped(); });
  after(() => { client.dispose(); });

  for (const [what, command, args, sentence] of refused) {
    it(`is refused in a sentence that names the matter: ${what}`, async () => {
      assert.match(await client.refused(command, args as object), sentence);
      assert.equal((await client.top()).line, 4, 'and nothing has moved');
    });
  }

  it('asks for more than there is, and gets what there is', async () => {
    const { stackFrames } = await client.ask<{ stackFrames: { id: number }[] }>('stackTrace', { threadId: 1, startFrame: 0, levels: 1e15 });
    const { scopes } = await client.ask<{ scopes: { variablesReference: number }[] }>('scopes', { frameId: stackFrames[0]!.id });
    for (const { variablesReference } of scopes) {
      assert.deepEqual((await client.ask('variables', { variablesReference, start: 1e15, count: 1e15 }))['variables'], []);
    }
    assert.equal((await client.ask<{ unreadableBytes: number }>('readMemory', { memoryReference: 'gpa:0xffffffffffffff00', count: 1 << 20 })).unreadableBytes, 1 << 20);
  });

  it('names breakpoints of files that do not exist, and lines behind the end, as unverified with the reason', async () => {
    const set = async (path: string, line: number): Promise<unknown> => {
      const { breakpoints: [only] } = await client.ask<{ breakpoints: { verified: boolean; message?: string }[] }>('setBreakpoints', { source: { path }, breakpoints: [{ line }] });
      return [only?.verified, only?.message];
    };
    assert.deepEqual(await set('/none.guest', 1), [false, '/none.guest is not part of the running scenario.']);
    assert.deepEqual(await set(program, 1e15), [false, `Nothing runs on line 1000000000000000 of ${program}: choose a line where something does.`]);
    assert.deepEqual(await set(program, -3), [false, `Nothing runs on line -3 of ${program}: choose a line where something does.`]);
  });
});

describe('a scenario that is edited while it is debugged', () => {
  it('goes on as it was; a restart takes the new text, or says where it is broken and leaves the session as it stands', async () => {
    const files: Record<string, string> = { [program]: text };
    const client = await stopped(files);
    files[program] = `${heading}cpu 0 {\n  nonsense(\n}\n`;
    await client.move('next');
    assert.equal((await client.top()).line, 5);
    assert.match(await client.refused('restart', {}), /^\/lab\/input\.guest:\d+:\d+: /);
    assert.equal((await client.top()).line, 5, 'the session stands where it stood');
    Reflect.deleteProperty(files, program);
    assert.equal(await client.refused('restart', {}), '/lab/input.guest cannot be read: check "program" in the launch configuration.');
    files[program] = `${heading}cpu 0 {\n  m = 7\n  switch(p)\n}\n`;
    const since = client.received.length;
    await client.ask('restart', {});
    await client.stopped(since);
    await client.move('next');
    assert.equal((await client.ask('evaluate', { expression: 'm' }))['result'], '0x7');
    client.dispose();
  });
});
