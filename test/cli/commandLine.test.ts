import { strict as assert } from 'node:assert';
import { runCommandLine, type Commands } from '../../src/cli/commandLine';
import type { Console } from '../../src/cli/console';

/** Runs the words of a command line against commands that only note what they were asked. */
async function words(line: string): Promise<{ status: number; asked: unknown[]; out: string; error: string }> {
  const asked: unknown[] = [];
  let out = '';
  let error = '';
  const note = (...what: unknown[]): Promise<number> => {
    asked.push(what);
    return Promise.resolve(0);
  };
  const commands: Commands = {
    run: (files, options) => note('run', files, options),
    conform: (file, options) => note('conform', file, options),
    dap: (options) => note('dap', options),
  };
  const console: Console = {
    out: (text) => { out += text; },
    error: (text) => { error += text; },
    readText: () => undefined,
    openLines: () => undefined,
  };
  const status = await runCommandLine(line.split(' ').filter((word) => word !== ''), commands, console);
  return { status, asked, out, error };
}

describe('the command line', () => {
  it('hands files and options on, in any order', async () => {
    assert.deepEqual((await words('run a.guest b.guest --mmu shadow-wp:update=zap --json')).asked, [
      ['run', ['a.guest', 'b.guest'], { mmu: 'shadow-wp:update=zap', json: true }],
    ]);
    assert.deepEqual((await words('run --mmu ept a.guest --trace t.jsonl --guest-log g.jsonl')).asked, [
      ['run', ['a.guest'], { mmu: 'ept', trace: 't.jsonl', guestLog: 'g.jsonl' }],
    ]);
    assert.deepEqual((await words('conform v.jsonl --json')).asked, [['conform', 'v.jsonl', { json: true }]]);
    assert.deepEqual((await words('dap --port 0')).asked, [['dap', { port: 0 }]]);
  });

  it('wrong arguments are status 2 and one sentence', async () => {
    for (const [line, sentence] of [
      ['run', /^pagewalk: missing required argument 'file'/],
      ['run a.guest --mmv ept', /^pagewalk: unknown option '--mmv'\n\(Did you mean --mmu\?\)/],
      ['conform', /^pagewalk: missing required argument 'vectors'/],
      ['dap --port 70000', /A port is a number from 0 to 65535/],
      ['dap --port x', /A port is a number from 0 to 65535/],
      ['rum a.guest', /unknown command 'rum'/],
    ] as const) {
      const { status, asked, error } = await words(line);
      assert.equal(status, 2, line);
      assert.deepEqual(asked, [], line);
      assert.match(error, sentence, line);
    }
  });

  it('help is asked for with status 0 and shows examples; no command at all is status 2', async () => {
    const help = await words('--help');
    assert.equal(help.status, 0);
    assert.match(help.out, /Examples:\n {2}pagewalk run scenarios\/first-touch\.guest/);
    assert.equal((await words('run --help')).status, 0);
    assert.equal((await words('')).status, 2);
  });
});
