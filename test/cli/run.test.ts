import { strict as assert } from 'node:assert';
import type { RunOptions } from '../../src/cli/commandLine';
import { runScenarios } from '../../src/cli/run';
import { ScriptedConsole } from './scriptedConsole';

/** Runs one of these files; what was written, and the status. */
async function run(file: string, files: Readonly<Record<string, string>>, options: RunOptions = {}): Promise<{ status: number; out: string; error: string }> {
  const console = new ScriptedConsole({ files });
  const status = await runScenarios([file], options, console);
  return { status, out: console.text, error: console.errors };
}

const runs = 'machine { paging 4-level, ram 16M }\ncpu 0 { x = 1 }\n';

describe('pagewalk run', () => {
  it('tells what is wrong in an import with a path that opens from the current folder', async () => {
    const files = {
      'imp/main.guest': `import "./badlib.guest"\n${runs}`,
      'imp/badlib.guest': 'procedure f() { x = nothing }\n',
      '../up.guest': 'procedure f() {\n  expect 1 == 2\n}\n',
      'fails.guest': 'import "../up.guest"\nmachine { paging 4-level, ram 16M }\ncpu 0 { f() }\n',
    };
    const broken = await run('imp/main.guest', files);
    assert.equal(broken.status, 2);
    assert.match(broken.error, /^imp\/badlib\.guest:1:21: There is no `nothing` here/);
    const failing = await run('fails.guest', files);
    assert.equal(failing.status, 1);
    assert.match(failing.error, /^\.\.\/up\.guest:2:3: expect 1 == 2 fails/);
  });

  it('reads a file once, however its imports spell it', async () => {
    const files = {
      'imp/main.guest': 'import "lib.guest"\nimport "./lib.guest"\nimport "../imp/lib.guest"\nmachine { paging 4-level, ram 16M }\ncpu 0 { f() }\n',
      'imp/lib.guest': 'import "main.guest"\nprocedure f() { x = 1 }\n',
    };
    const { status, error } = await run('imp/main.guest', files);
    assert.deepEqual([status, error.includes('twice')], [0, false], error);
  });

  it('counts one of a kind as one, and says of a run that died what was judged until then', async () => {
    const files = {
      'one.guest': 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user lazy }\ncpu 0 {\n  switch(p)\n  x = 1\n  expect x == 1\n}\n',
      'dies.guest': 'machine { paging 4-level, ram 16M }\ncpu 0 {\n  x = 1\n  expect x == 1\n  y = x / (x - 1)\n  expect y == 1\n}\n',
    };
    assert.match((await run('one.guest', files, { mmu: 'ept' })).out, /^one\.guest under ept: ok, 1 expectation held; 0 accesses, \d+ VM exits?, 0 guest faults, 0 hidden faults\n$/);
    assert.match((await run('dies.guest', files)).out, /: FAILED, 1 expectation held until it died; /);
  });

  it('blames a technique that is none on the option, and the scenario\'s own on its place', async () => {
    const asked = await run('a.guest', { 'a.guest': runs }, { mmu: 'EPT' });
    assert.equal(asked.status, 2);
    assert.match(asked.error, /^pagewalk: --mmu EPT: there is no technique EPT; choose one of native/);
    const own = await run('a.guest', { 'a.guest': 'machine { paging 4-level, ram 16M, mmu ept }\nplatform { vendor amd }\ncpu 0 { x = 1 }\n' });
    assert.equal(own.status, 2);
    assert.match(own.error, /^a\.guest:1:36: ept needs a processor with VMX/);
  });

  for (const [what, text, said] of [
    ['a MAXPHYADDR of 60', 'machine { paging 4-level, ram 16M }\nplatform { maxphyaddr 60 }\ncpu 0 { x = 1 }\n',
      /^a\.guest:2:12: `maxphyaddr 60` does not fit: .*MAXPHYADDR is 36 to 52 \(SDM Vol\. 3/],
    ['a TLB of 3 ways and 10 entries', 'machine { paging 4-level, ram 16M }\nplatform {\n  tlb 10 entries 3 ways\n}\ncpu 0 { x = 1 }\n',
      /^a\.guest:3:3: `tlb 10 entries 3 ways` does not fit: .*entries are ways times sets \(SDM Vol\. 2/],
    ['RAM beyond MAXPHYADDR', 'machine { paging 4-level, ram 32G }\nplatform { maxphyaddr 36 }\ncpu 0 { x = 1 }\n',
      /^a\.guest:1:27: RAM of 128 GBytes with a MAXPHYADDR of 36 is impossible: memory lies below 2 to the MAXPHYADDR \(SDM Vol\. 3/],
  ] as const) {
    it(`refuses ${what} before anything runs, with status 2, the place and the rule`, async () => {
      const { status, out, error } = await run('a.guest', { 'a.guest': text });
      assert.deepEqual([status, out], [2, '']);
      assert.match(error, said);
    });
  }
});
