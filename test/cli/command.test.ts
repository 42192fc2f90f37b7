import { strict as assert } from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const cli = join(root, 'dist', 'cli.js');
const good = join(root, 'scenarios', 'first-touch.guest');
const other = join(root, 'scenarios', 'page-table-write.guest');

function pagewalk(...args: string[]): { status: number | null; out: string; error: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });
  return { status, out: stdout, error: stderr };
}

const machine = 'machine { paging 4-level, ram 16M, mmu shadow-wp }\n';

describe('pagewalk, the built command', () => {
  let folder: string;
  const scenario = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  before(() => {
    assert.ok(existsSync(cli), 'dist/cli.js is missing: run npm run build first.');
    folder = mkdtempSync(join(tmpdir(), 'pagewalk-'));
  });
  after(() => { rmSync(folder, { recursive: true, force: true }); });

  for (const technique of ['native', 'shadow-wp', 'ept']) {
    it(`runs the shipped scenarios under ${technique}: status 0`, () => {
      const { status, out, error } = pagewalk('run', good, other, '--mmu', technique);
      assert.equal(error, '');
      assert.equal(status, 0);
      assert.match(out, new RegExp(`first-touch\\.guest under ${technique}: ok, \\d+ expectations held`));
    });
  }

  it('prints one object a scenario with --json, and nothing else on standard output', () => {
    const printing = scenario('print.guest', `${machine}cpu 0 {\n  print "hello"\n}\n`);
    const { status, out, error } = pagewalk('run', printing, good, '--json');
    assert.equal(status, 0);
    assert.equal(error, 'hello\n');
    const objects = out.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(objects.map(({ scenario: file, mmu, ok }) => [file, mmu, ok]), [[printing, 'shadow-wp', true], [good, 'shadow-wp', true]]);
    const counters = objects[1]?.['counters'] as Record<string, Record<string, number>>;
    assert.equal(counters['vm_exits']?.['total'], Object.entries(counters['vm_exits'] ?? {}).reduce((sum, [key, n]) => (key === 'total' ? sum : sum + n), 0));
    assert.deepEqual(Object.keys(counters), [
      'statements', 'accesses', 'vm_exits', 'faults', 'page_table_writes_trapped', 'tlb', 'walk_references', 'table_pages', 'estimated_cycles',
    ]);
  });

  it('a failed expectation is status 1, told with both sides at FILE:LINE:COL', () => {
    const file = scenario('fails.guest', `${machine}cpu 0 {\n  x = 1\n  expect x == 2\n}\n`);
    const { status, error } = pagewalk('run', file);
    assert.equal(status, 1);
    assert.match(error, /fails\.guest:4:3: expect x == 2 fails: x is 0x1/);
  });

  it('a guest that dies is status 1, with where and why', () => {
    const file = scenario('dies.guest', `${machine}cpu 0 {\n  z = 0\n  y = 1 / z\n  print y\n}\n`);
    const { status, error } = pagewalk('run', file);
    assert.equal(status, 1);
    assert.match(error, /dies\.guest:4:3: division by zero/);
  });

  it('a scenario that does not compile is status 2, with every error at FILE:LINE:COL', () => {
    const file = scenario('broken.guest', `${machine}cpu 0 {\n  x = nowhere\n  y = nothing\n}\n`);
    const { status, error, out } = pagewalk('run', file, '--json');
    assert.equal(status, 2);
    assert.equal(out, '');
    assert.match(error, /broken\.guest:3:7: .*\n.*broken\.guest:4:7: /);
  });

  it('a file that is missing, a technique that does not fit, and bad arguments are status 2', () => {
    assert.equal(pagewalk('run', join(folder, 'missing.guest')).status, 2);
    const { status, error } = pagewalk('run', good, '--mmu', 'sideways');
    assert.equal(status, 2);
    assert.match(error, /^pagewalk: --mmu sideways: there is no technique sideways; choose one of native/);
    assert.equal(pagewalk('run').status, 2);
    assert.equal(pagewalk('run', good, other, '--trace', join(folder, 't.jsonl')).status, 2);
    assert.equal(pagewalk('run', good, '--trace', join(folder, 'no', 'such', 'folder')).status, 2);
  });

  it('goes on after a file that cannot be run, and reports the worst status', () => {
    const { status, out } = pagewalk('run', join(folder, 'missing.guest'), good);
    assert.equal(status, 2);
    assert.match(out, /first-touch\.guest under shadow-wp: ok/);
  });

  it('writes a trace whose kinds add up to the counters, and a guest log that is the same under every technique', () => {
    const logs = ['native', 'shadow-wp', 'ept'].map((technique) => {
      const trace = join(folder, `${technique}.trace.jsonl`);
      const log = join(folder, `${technique}.log.jsonl`);
      const { out, status } = pagewalk('run', other, '--mmu', technique, '--json', '--trace', trace, '--guest-log', log);
      assert.equal(status, 0);
      const { counters } = JSON.parse(out) as { counters: { accesses: number; vm_exits: { total: number }; page_table_writes_trapped: number } };
      const kinds = readFileSync(trace, 'utf8').trimEnd().split('\n').map((line) => (JSON.parse(line) as { kind: string }).kind);
      const count = (kind: string): number => kinds.filter((each) => each === kind).length;
      assert.deepEqual(
        [count('access_done'), count('vm_exit'), count('page_table_write_trapped')],
        [counters.accesses, counters.vm_exits.total, counters.page_table_writes_trapped],
        technique,
      );
      return readFileSync(log, 'utf8').split('\n').filter((line) => !line.includes('"spurious":true')).join('\n');
    });
    assert.equal(logs[1], logs[0]);
    assert.equal(logs[2], logs[0]);
  });

  it('runs vectors: status 0 when all pass, 1 when one does not, 2 when there is no file', () => {
    assert.equal(pagewalk('conform', join(folder, 'none.jsonl')).status, 2);
    const broken = scenario('broken.jsonl', 'no vector\n');
    const { status, out } = pagewalk('conform', broken);
    assert.equal(status, 1);
    assert.match(out.trimEnd().split('\n').at(-1) ?? '', /^0 passed, 1 failed/);
  });

  it('draws charts and writes JUnit\'s XML, with the libraries that only these load', () => {
    const svg = join(folder, 'a.svg');
    const { status, out } = pagewalk('compare', good, '--mmu', 'native', '--mmu', 'ept', '--svg', svg);
    assert.equal(status, 0);
    assert.match(out, /first-touch\.guest +native +ept\n/);
    assert.match(readFileSync(svg, 'utf8'), /^<\?xml[^>]*>\n<svg [\s\S]*VM exits by reason[\s\S]*<\/svg>\n$/);
    assert.match(pagewalk('run', good, '--reporter', 'junit').out, /^<\?xml[^>]*>\n<testsuites /);
  });

  it('stops at Ctrl-C and tells what it came to: status 130', async () => {
    const endless = scenario('endless.guest', `${machine}global n = 0\ncpu 0 {\n  print "on my way"\n  while true { n += 1 }\n}\n`);
    const child = spawn(process.execPath, [cli, 'run', endless, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text; });
    child.stderr.setEncoding('utf8').once('data', () => { child.kill('SIGINT'); });
    const status = await new Promise<number | null>((resolve) => { child.once('close', resolve); });
    const { interrupted, ok } = JSON.parse(out) as { interrupted: boolean; ok: boolean };
    assert.deepEqual([status, interrupted, ok], [130, true, false]);
  });

  it('speaks LSP on standard input and output', async () => {
    const server = spawn(process.execPath, [cli, 'lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { processId: null, rootUri: null, capabilities: {} } });
      server.stdin.write(`Content-Length: ${Buffer.byteLength(request)}\r\n\r\n${request}`);
      const answer = await new Promise<string>((resolve) => { server.stdout.setEncoding('utf8').once('data', (text: string) => { resolve(text); }); });
      assert.match(answer, /Content-Length: \d+/);
    } finally {
      server.kill();
    }
  });

  it('serves DAP on a loopback port and says which', async () => {
    const server = spawn(process.execPath, [cli, 'dap', '--port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
    try {
      const port = await new Promise<number>((resolve) => {
        server.stderr.setEncoding('utf8').once('data', (text: string) => { resolve(Number(/127\.0\.0\.1:(\d+)/.exec(text)?.[1])); });
      });
      const socket = connect(port, '127.0.0.1');
      const request = JSON.stringify({ seq: 1, type: 'request', command: 'initialize', arguments: { adapterID: 'pagewalk' } });
      socket.write(`Content-Length: ${Buffer.byteLength(request)}\r\n\r\n${request}`);
      const answer = await new Promise<string>((resolve) => { socket.setEncoding('utf8').once('data', (text: string) => { resolve(text); }); });
      assert.match(answer, /"supportsStepBack":true/);
      socket.destroy();
    } finally {
      server.kill();
    }
  });
});
