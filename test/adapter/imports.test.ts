import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { diagnoseScenario } from '../../src/adapter/diagnostics';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const main = 'import "./lib/lib.guest"\nimport "lib/lib.guest"\nmachine { paging 4-level, ram 16M }\n\ncpu 0 {\n  n = twice(4)\n  print n\n}\n';
const lib = 'import "deep.guest"\nimport "../main.guest"\nprocedure twice(n) -> number {\n  print "doubling", n\n  return once(n) + n\n}\n';
const deep = 'procedure once(n) -> number {\n  return n\n}\n';

interface Folder {
  readonly program: string;
  readonly lib: string;
  readonly deep: string;
  readonly files: Readonly<Record<string, string>>;
}

function folder(at: string): Folder {
  const place = { program: `${at}/main.guest`, lib: `${at}/lib/lib.guest`, deep: `${at}/lib/deep.guest` };
  return { ...place, files: { [place.program]: main, [place.lib]: lib, [place.deep]: deep } };
}

describe('imported files are files of the person', () => {
  for (const [name, at, pathFormat] of [['paths', '/lab', 'path'], ['URIs', 'vscode-vfs://github/lab', 'uri']] as const) {
    it(`in frames, breakpoints and output, with ${name}`, async () => {
      const { program, lib: imported, deep: below, files } = folder(at);
      const client = new TestClient(simulator, files);
      await client.initialize({ pathFormat });
      await client.ask('launch', { program });
      const set = async (path: string, line: number): Promise<DebugProtocol.Breakpoint | undefined> =>
        (await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setBreakpoints', { source: { path }, breakpoints: [{ line }] })).breakpoints[0];
      const inDeep = await set(below, 2);
      assert.deepEqual([inDeep?.verified, inDeep?.source], [true, { name: 'deep.guest', path: below }]);
      assert.equal((await set(imported, 5))?.verified, true);
      await client.ask('configurationDone');

      await client.stopped();
      assert.deepEqual((await client.top()).source, { name: 'lib.guest', path: imported });
      const said = client.events('output').find(({ body }) => String(body?.['output']).startsWith('doubling'))?.body;
      assert.deepEqual([said?.['source'], said?.['line']], [{ name: 'lib.guest', path: imported }, 4]);
      await client.move('continue');
      assert.deepEqual((await client.top()).source, { name: 'deep.guest', path: below });
      const { sources } = await client.ask<{ sources: DebugProtocol.Source[] }>('loadedSources');
      assert.deepEqual(sources.slice(0, 4).map(({ path, origin }) => path ?? origin), [program, imported, below, 'guest kernel library']);
      await client.ask('disconnect');
    });
  }

  it('where they do not compile, with a path that can be opened', async () => {
    const { program, files, deep: below } = folder('/lab');
    const client = new TestClient(simulator, { ...files, [below]: 'procedure once(n) -> number {\n  return m\n}\n' });
    await client.initialize();
    assert.match(await client.refused('launch', { program }), /^\/lab\/lib\/deep\.guest:2:10: There is no `m` here/);
    const [cycle, told] = client.events('output').map(({ body }) => body);
    assert.match(String(cycle?.['output']), /This import leads back to where it began/);
    assert.deepEqual([told?.['source'], told?.['line'], told?.['column']], [{ path: below }, 2, 10]);
    client.dispose();
    const readText = (path: string): Promise<string | undefined> => Promise.resolve(path === below ? 'x' : files[path]);
    const shown = (await diagnoseScenario(program, main, { readText })).map(({ message }) => message);
    assert.ok(shown.some((message) => message.startsWith('/lab/lib/deep.guest:1:1: ')), shown.join('\n'));
  });

  it('where an import of theirs is missing, on its line', async () => {
    const { program, files, deep: below, lib: imported } = folder('/lab');
    const client = new TestClient(simulator, Object.fromEntries(Object.entries(files).filter(([path]) => path !== below)));
    await client.initialize();
    const refusal = await client.refused('launch', { program });
    assert.ok(refusal.startsWith(`${imported}:1:1: The file "deep.guest" cannot be read`), refusal);
    client.dispose();
  });
});
