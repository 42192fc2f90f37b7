import { strict as assert } from 'node:assert';
import * as fc from 'fast-check';
import { answeredCommands } from '../../src/adapter/requestTable';
import { TestClient } from './client';
import { scriptedSimulator } from './scriptedSimulator';

const program = '/lab/script.guest';
const text = 'a\nevent vm_exit\nprint b\nfail c\nloop';

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
    breakpoints: fc.constantFrom([], [{ line: 2 }], [{ line: -5 }], [{ name: 'vm_exit' }], [{ dataId: '' }]),
    filters: fc.constantFrom([], ['vm-exit'], ['nonsense']),
    memoryReference: fc.constantFrom('gva:0x1000', 'x'),
    count: fc.constantFrom(0, 4, -1),
    name: fc.constantFrom('slot', ''),
    line: fc.constantFrom(1, 0, -1),
    space: fc.constantFrom('guest', 'moon'),
  }, { requiredKeys: [] }),
);
const request = fc.tuple(fc.constantFrom(...answeredCommands, 'attach', 'goto', '__proto__'), someArguments);

describe('requests in any order, with any arguments', () => {
  it('are each answered once, and never by a mistake of ours', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(request, { maxLength: 25 }), async (isStarted, requests) => {
        const client = new TestClient(scriptedSimulator, { [program]: text });
        if (isStarted) {
          await client.start({ program, lines: [1] });
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
});
