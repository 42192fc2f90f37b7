import { strict as assert } from 'node:assert';
import * as fc from 'fast-check';
import { simulator as realSimulator } from '../../src/adapter/pagewalkSimulator';
import { answeredCommands } from '../../src/adapter/requestTable';
import { TestClient } from './client';
import { scriptedSimulator } from './scriptedSimulator';

const program = '/lab/script.guest';
const script = 'a\nevent vm_exit\nprint b\nfail c\nloop';
const scenario = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user }\ncpu 0 {\n  switch(p)\n  while true { user [0x600000] = 1 }\n}\n';

/** Arguments that are right, wrong, stale or missing. */
const someArguments = fc.oneof(
  fc.constant(undefined),
  fc.record({
    program: fc.constantFrom(program, '', '/none', undefined),
    threadId: fc.constantFrom(1, 0, 2, 1.5),
    frameId: fc.constantFrom(1000, 1, -1),
    variablesReference: fc.constantFrom(1, 0, 99),
    expression: fc.constantFrom('1', 'here', '', '('),
    source: fc.constantFrom({ path: program }, {}, { sourceReference: 2 }, { sourceReference: -7 }),
    breakpoints: fc.constantFrom([], [{ line: 2 }], [{ line: -5 }], [{ name: 'vm_exit' }], [{ name: 'write:gpa:0x3000' }], [{ dataId: '' }]),
    filters: fc.constantFrom([], ['vm-exit'], ['nonsense']),
    memoryReference: fc.constantFrom('gva:0x1000', 'x'),
    count: fc.constantFrom(0, 4, -1),
    name: fc.constantFrom('slot', ''),
    line: fc.constantFrom(1, 0, -1),
    space: fc.constantFrom('guest', 'moon'),
    root: fc.constantFrom<unknown>('gpa:0x100000', 'hpa:0x1000', '', 7, null),
    path: fc.constantFrom<unknown>([], [0], [0, 0, 3], [511, 511, 511, 511], [-1], ['0'], 'x', 5, null, {}),
  }, { requiredKeys: [] }),
);
const request = fc.tuple(fc.constantFrom(...answeredCommands, 'attach', 'goto', '__proto__'), someArguments);

describe('requests in any order, with any arguments', () => {
  it('are each answered once, and never by a mistake of ours, on the scripted machine', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(request, { maxLength: 25 }), async (isStarted, requests) => {
        const client = new TestClient(scriptedSimulator, { [program]: script });
        if (isStarted) {
          await client.start({ program, lines: [1], stopOnEntry: true });
          await client.event('stopped');
        }
        const answers = await Promise.all(requests.map(([command, args]) => client.request(command, args)));
        for (const answer of answers) {
          const failure = (answer.body as { error?: { id: number } } | undefined)?.error;
          assert.notEqual(failure?.id, 1000, `${answer.command}: ${client.output}`);
          assert.equal(answer.success, failure === undefined);
        }
        assert.ok(client.events('terminated').length <= 1);
        client.dispose();
      }),
      { numRuns: 300 },
    );
  });

  it('refuse tables whose root or path is none, with a sentence', async () => {
    const client = new TestClient(realSimulator, { [program]: scenario });
    await client.start({ program, stopOnEntry: true });
    await client.event('stopped');
    const refused = (args: object): Promise<string> => client.refused('pagewalk/tables', { space: 'guest', ...args });
    const list = '"pagewalk/tables" needs the argument "path" as a list of numbers: the index at each level, from the root down.';
    for (const path of [5, 'x', null, {}, ['0']]) assert.equal(await refused({ root: 'gpa:0x100000', path }), list);
    assert.equal(await refused({ root: 7 }), '"pagewalk/tables" needs the argument "root" as text, as a root node gave it.');
    assert.equal(await refused({ path: [0] }), '"pagewalk/tables" has a path without the root that it starts from: give "root" as a root node gave it, or leave the path out.');
    client.dispose();
  });
});
