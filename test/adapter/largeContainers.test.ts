import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Simulator } from '../../src/adapter/simulator';
import { frameIn, frameText } from '../../src/inspect/addressText';
import { RankedMembers } from '../../src/inspect/rankedMembers';
import { named, ranked, type Row } from '../../src/inspect/rows';
import { TestClient } from './client';
import { scriptedSimulator } from './scriptedSimulator';

const ROWS = 1_000_000;

/** The scripted machine with a scope that has a container of a million frames, every other one; tells which rows are made. */
function withMillionRows(): { readonly simulator: Simulator; readonly made: string[]; readonly edited: bigint[] } {
  const made: string[] = [];
  const edited: bigint[] = [];
  const rowOf = (frame: number): Row => {
    const name = frameText('hpa', frame);
    made.push(name);
    return { name, value: '0x2a', cell: { at: name, bytes: 1 } };
  };
  const members = new RankedMembers(2 * ROWS, (frame) => frame % 2 === 0);
  const simulator: Simulator = {
    ...scriptedSimulator,
    launch: (scenario, mmu) => {
      const started = scriptedSimulator.launch(scenario, mmu);
      if ('error' in started) return started;
      const { debuggee, inspector } = started;
      debuggee.edit = (edit) => {
        if (edit.kind === 'memory') edited.push(edit.address);
        return {};
      };
      const rows = named(() => [{ name: 'frames', value: `${ROWS}`, below: ranked(members, rowOf, frameIn) }]);
      return { debuggee, inspector: { ...inspector, machineScopes: () => [{ name: 'Host', place: 'behind registers', rows }] } };
    },
  };
  return { simulator, made, edited };
}

async function containerOf(client: TestClient): Promise<DebugProtocol.Variable> {
  await client.start({ program: '/s.guest', stopOnEntry: true });
  await client.stopped();
  const { id: frameId } = await client.top();
  const { scopes } = await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId });
  const { variablesReference } = scopes.find(({ name }) => name === 'Host')!;
  const { variables } = await client.ask<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference });
  return variables[0]!;
}

describe('a container of a million rows', () => {
  const { simulator, made, edited } = withMillionRows();
  const client = new TestClient(simulator, { '/s.guest': 'first\nsecond\n' });
  let reference = 0;

  before(async () => {
    const container = await containerOf(client);
    assert.equal(container.indexedVariables, ROWS);
    reference = container.variablesReference;
  });
  beforeEach(() => { made.length = 0; });
  after(() => { client.dispose(); });

  it('gives a row another value, and makes that row alone: before the edit and behind it', async () => {
    const answer = await client.ask<{ value: string }>('setVariable', { variablesReference: reference, name: 'hpa:0x1e847e000', value: '7' });
    assert.equal(answer.value, '0x2a');
    assert.deepEqual(made, ['hpa:0x1e847e000', 'hpa:0x1e847e000']);
    assert.deepEqual(edited, [0x1e847e000n]);
  });

  it('has a row watched, and makes that row alone', async () => {
    const { dataId } = await client.ask<{ dataId: string }>('dataBreakpointInfo', { variablesReference: reference, name: 'hpa:0x2000' });
    assert.ok(dataId.includes('hpa:0x2000'), dataId);
    assert.deepEqual(made, ['hpa:0x2000']);
  });

  it('has no row of a name between two, behind the last, with an offset, or that is no name of its kind', async () => {
    for (const name of ['hpa:0x1000', 'hpa:0x1e847efff', 'hpa:0x1e8480000', 'hpa:0x1000000000', 'gpa:0x2000', 'frame 2', '']) {
      assert.match(await client.refused('setVariable', { variablesReference: reference, name, value: '7' }), /no (row|variable)|There is/i, name);
    }
    assert.ok(made.length <= 2, `${made.length} rows made`);
  });
});
