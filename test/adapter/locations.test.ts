import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import type { Simulator } from '../../src/adapter/simulator';
import { REQUEST, type TablesResponse, type WriterResponse } from '../../src/protocol/requests';
import { TestClient } from './client';

const program = '/lab/touch.guest';
const text = `machine { paging 4-level, ram 4M }
process p { 0x600000 .. 0x602000 rw user }

procedure touch(gva place) {
  twice = place + 4096
  user [twice] = 2
}

cpu 0 {
  switch(p)
  first = gva:0x600000
  user [first] = 1
  touch(first)
  done = 1
}
`;

type Variable = DebugProtocol.Variable;

class Session {
  /** How often history has been asked who wrote something. */
  searches = 0;
  readonly client: TestClient;

  constructor() {
    const counting: Simulator = {
      ...simulator,
      launch: (scenario, mmu) => {
        const launched = simulator.launch(scenario, mmu);
        if ('error' in launched) return launched;
        const { debuggee } = launched;
        const lastWriter = debuggee.lastWriter.bind(debuggee);
        debuggee.lastWriter = (address, bytes) => {
          this.searches++;
          return lastWriter(address, bytes);
        };
        return launched;
      },
    };
    this.client = new TestClient(counting, { [program]: text });
  }

  async stopAt(line: number, mmu: string): Promise<void> {
    await this.client.start({ program, mmu, lines: [line] });
    await this.client.stopped();
  }

  async rows(variablesReference: number): Promise<readonly Variable[]> {
    return (await this.client.ask<{ variables: Variable[] }>('variables', { variablesReference })).variables;
  }

  async scope(name: string): Promise<number> {
    const { scopes } = await this.client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: (await this.client.top()).id });
    return scopes.find((scope) => scope.name === name)!.variablesReference;
  }

  /** The row on the way that these names begin. */
  async row(scope: string, ...path: readonly string[]): Promise<Variable> {
    let reference = await this.scope(scope);
    let found: Variable | undefined;
    for (const name of path) {
      const rows = await this.rows(reference);
      found = rows.find((row) => row.name.startsWith(name));
      assert.ok(found, `no ${name} among ${rows.map((row) => row.name).join(', ')}`);
      reference = found.variablesReference;
    }
    return found!;
  }

  /** `FILE:LINE` of a location. */
  async place(locationReference: number | undefined): Promise<string> {
    assert.ok(locationReference !== undefined, 'there is a location');
    const { source, line } = await this.client.ask<NonNullable<DebugProtocol.LocationsResponse['body']>>('locations', { locationReference });
    return `${source.name ?? ''}:${line}`;
  }
}

async function entryOf(session: Session, tables: string, root: string): Promise<Variable> {
  const path = ['PML4E 0', 'table of', 'PDPTE 0', 'table of', 'PDE 3', 'table of', 'PTE 0'];
  return session.row('Tables', tables, root, ...path);
}

describe('who wrote this, one request away', () => {
  const sessions: Session[] = [];
  const at = async (line: number, mmu: string): Promise<Session> => {
    const session = new Session();
    sessions.push(session);
    await session.stopAt(line, mmu);
    return session;
  };
  after(() => { for (const { client } of sessions) client.dispose(); });

  it('a shadow entry: the line of the listing that filled it', async () => {
    const session = await at(13, 'shadow-wp');
    const entry = await entryOf(session, 'shadow tables', 'shadow root of gpa:0x100000');
    assert.match(entry.value, /^P RW US XD A D → hpa:0x/);
    assert.equal(session.searches, 0, 'nothing is searched before somebody asks');
    const place = await session.place(entry.valueLocationReference);
    const [name, line] = place.split(':');
    assert.equal(name, 'shadow-wp.vmm');
    const { content } = await session.client.ask<{ content: string }>('source', {
      sourceReference: (await session.client.ask<{ sources: DebugProtocol.Source[] }>('loadedSources')).sources.find((source) => source.name === name)!.sourceReference,
    });
    assert.match(content.split('\n')[Number(line) - 1]!, /spte|set_spte|write/i);
    assert.equal(session.searches, 1);
  });

  it('a guest entry whose dirty flag the processor has set: the statement that stored', async () => {
    const session = await at(13, 'ept');
    const entry = await entryOf(session, 'guest tables', 'CR3');
    assert.equal(await session.place(entry.valueLocationReference), 'touch.guest:12');
  });

  it('what a watch looks at in memory: the store, with its size and whatever blanks', async () => {
    const session = await at(14, 'npt');
    for (const [expression, line] of [['[first]', 12], ['dword [ first ]', 12], ['[first + 4096]', 6]] as const) {
      const { valueLocationReference } = await session.client.ask<{ valueLocationReference: number }>('evaluate', { expression, context: 'watch' });
      assert.equal(await session.place(valueLocationReference), `touch.guest:${line}`, expression);
    }
    assert.equal((await session.client.ask('evaluate', { expression: '[first] + 1', context: 'watch' }))['valueLocationReference'], undefined, 'a sum has no writer');
  });

  it('by the console too, with when and what', async () => {
    const session = await at(14, 'ept');
    const said = String((await session.client.ask('evaluate', { expression: 'who first', context: 'repl' }))['result']).split('\n');
    assert.match(said[0]!, /^gva:0x600000 was last written by the guest, on cpu 0 \(step \d+, event \d+\)$/);
    assert.match(said[1]!, /^ {2}store at gva:0x600000 completes at hpa:0x/);
    assert.equal(said[2], '  at /lab/touch.guest:12');
    assert.match(String((await session.client.ask('evaluate', { expression: 'who gpa:0x3ff000', context: 'repl' }))['result']), /^Nobody has written gpa:0x3ff000: /);
    assert.match(String((await session.client.ask('evaluate', { expression: 'who first 0', context: 'repl' }))['result']), /^0 bytes at hpa:0x\w+ are not within one page/);
  });

  it('as pagewalk/writer, for views', async () => {
    const session = await at(14, 'ept');
    const { written, message } = await session.client.ask<WriterResponse>(REQUEST.writer, { memoryReference: 'gva:0x601000' });
    assert.deepEqual([written?.by, written?.threadId, written?.isShown, written?.path, written?.line, written?.procedure], ['guest', 1, true, program, 6, undefined]);
    assert.match(message, /^gva:0x601000 was last written by the guest, on cpu 0 \(step \d+, event \d+\)$/);
    const [root] = (await session.client.ask<TablesResponse>(REQUEST.tables, { space: 'ept' })).nodes;
    const [entry] = (await session.client.ask<TablesResponse>(REQUEST.tables, { space: 'ept', root: root!.root, path: [] })).nodes;
    const filled = (await session.client.ask<WriterResponse>(REQUEST.writer, { memoryReference: entry!.address })).written;
    assert.deepEqual([filled?.by, filled?.path], ['processor', 'kernel.guest'], 'the accessed flag, set by the walk of a boot store');
    const nobody = await session.client.ask<WriterResponse>(REQUEST.writer, { memoryReference: 'gpa:0x3ff000', bytes: 1 });
    assert.equal(nobody.written, undefined);
    assert.match(await session.client.refused(REQUEST.writer, { memoryReference: 'soup' }), /"soup" is no memory reference/);
    assert.match(await session.client.refused(REQUEST.writer, { memoryReference: 'gpa:0', bytes: 'all' }), /needs the argument "bytes" as a number/);
    assert.match((await session.client.ask<WriterResponse>(REQUEST.writer, { memoryReference: 'gpa:0x1000', bytes: 0 })).message, /^0 bytes at hpa:0x\w+ are not within one page/);
  });

  it('a variable\'s name leads to where it first gets a value, a parameter\'s to its procedure', async () => {
    const session = await at(6, 'native');
    const [place, twice] = await session.rows(await session.scope('Locals'));
    assert.deepEqual([place?.name, await session.place(place?.declarationLocationReference)], ['place', 'touch.guest:4']);
    assert.deepEqual([twice?.name, await session.place(twice?.declarationLocationReference)], ['twice', 'touch.guest:5']);
  });

  it('a location of an earlier stop is told to be one', async () => {
    const session = await at(13, 'ept');
    const { valueLocationReference } = await entryOf(session, 'guest tables', 'CR3');
    await session.client.move('next');
    assert.match(await session.client.refused('locations', { locationReference: valueLocationReference }), /belongs to an earlier stop: ask for the variables again\.$/);
    assert.match(await session.client.refused('locations', { locationReference: 'x' }), /needs the argument "locationReference" as a number/);
  });
});
