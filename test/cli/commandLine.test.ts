import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { runCommandLine, type Commands } from '../../src/cli/commandLine';
import { matchGolden } from './golden';
import { ScriptedConsole } from './scriptedConsole';

/** Runs the words of a command line against commands that only note what they were asked. */
async function words(line: string): Promise<{ status: number; asked: unknown[]; out: string; error: string }> {
  const asked: unknown[] = [];
  const note = (...what: unknown[]): Promise<number> => {
    asked.push(what);
    return Promise.resolve(0);
  };
  const commands: Commands = {
    run: (files, options) => note('run', files, options),
    compare: (file, options) => note('compare', file, options),
    conform: (file, options) => note('conform', file, options),
    check: (files, options) => note('check', files, options),
    format: (files, options) => note('format', files, options),
    trace: (file, options) => note('trace', file, options),
    dap: (options) => note('dap', options),
    lsp: () => note('lsp'),
  };
  const console = new ScriptedConsole();
  const status = await runCommandLine(line.split(' ').filter((word) => word !== ''), commands, console);
  return { status, asked, out: console.text, error: console.errors };
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
    assert.deepEqual((await words('run a b/ --reporter junit')).asked, [['run', ['a', 'b/'], { reporter: 'junit' }]]);
    assert.deepEqual((await words('compare a.guest --mmu ept --mmu shadow-wp:update=zap --sweep n=1..8:x2 --svg a.svg --html a.html')).asked, [
      ['compare', 'a.guest', { mmu: ['ept', 'shadow-wp:update=zap'], sweep: 'n=1..8:x2', svg: 'a.svg', html: 'a.html' }],
    ]);
    assert.deepEqual((await words('check a.guest - --json')).asked, [['check', ['a.guest', '-'], { json: true, warnings: 'pass' }]]);
    assert.deepEqual((await words('format --check a.guest')).asked, [['format', ['a.guest'], { check: true }]]);
    assert.deepEqual((await words('trace a.guest --kind vm_exit,walk --kind tlb_miss --actor vmm --cpu 1 --limit 5 --count')).asked, [
      ['trace', 'a.guest', { kind: ['vm_exit', 'walk', 'tlb_miss'], actor: ['vmm'], cpu: 1, limit: 5, count: true }],
    ]);
    assert.deepEqual((await words('lsp --stdio')).asked, [['lsp']]);
  });

  it('wrong arguments are status 2 and one sentence', async () => {
    for (const [line, sentence] of [
      ['run', /^pagewalk: missing required argument 'file'/],
      ['run a.guest --mmv ept', /^pagewalk: unknown option '--mmv'\n\(Did you mean --mmu\?\)/],
      ['conform', /^pagewalk: missing required argument 'vectors'/],
      ['dap --port 70000', /A port is a number from 0 to 65535/],
      ['dap --port x', /A port is a number from 0 to 65535/],
      ['rum a.guest', /unknown command 'rum'/],
      ['run a.guest --reporter dots', /Allowed choices are spec, tap, junit/],
      ['run a.guest --reporter tap --json', /cannot be used with option '--json'/],
      ['compare', /^pagewalk: missing required argument 'file'/],
      ['trace a.guest --limit many', /Write a whole number/],
      ['check', /^pagewalk: missing required argument 'file'/],
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
    assert.equal((await words('')).status, 2);
  });

  for (const command of ['', 'run', 'compare', 'conform', 'check', 'format', 'trace', 'dap', 'lsp']) {
    it(`explains ${command === '' ? 'itself' : command} as it always has`, async () => {
      const { status, out } = await words(`${command} --help`);
      assert.equal(status, 0);
      matchGolden(join(__dirname, 'golden', `help-${command === '' ? 'pagewalk' : command}.txt`), out);
    });
  }
});
