import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { runScenarios } from '../../src/cli/run';
import { trace, type TraceOptions } from '../../src/cli/trace';
import { matchGolden } from './golden';
import { ScriptedConsole, type Script } from './scriptedConsole';

const files = {
  'a.guest': [
    'machine { paging 4-level, ram 16M, mmu shadow-wp }',
    'process p { 0x600000 .. 0x601000  rw user }',
    'cpu 0 {',
    '  switch(p)',
    '  user [0x600000] = 1',
    '  user [0x600000] = 2',
    '}',
  ].join('\n'),
} as const;

async function traced(file: string, options: TraceOptions, script: Script = {}): Promise<ScriptedConsole & { status: number }> {
  const console = new ScriptedConsole({ files, ...script });
  return Object.assign(console, { status: await trace(file, options, console) });
}

/** What `run --trace` writes. */
async function recorded(): Promise<string> {
  const console = new ScriptedConsole({ files });
  await runScenarios(['a.guest'], { trace: 'out.jsonl' }, console);
  return console.files.get('out.jsonl') ?? '';
}

describe('pagewalk trace', () => {
  it('tells what happened below each statement, the hypervisor\'s lines as its listing has them', async () => {
    const { status, text } = await traced('a.guest', { actor: ['guest', 'vmm', 'walker', 'host'] });
    assert.equal(status, 0);
    // Where frames lie, how many steps boot takes and where a listing's lines stand is others' business.
    const scenario = text.slice(text.indexOf('a.guest:5:3')).replace(/0x[0-9a-f]+/g, '0x…').replace(/^ +\d+\.(\d+)/gm, '  STEP.$1').replace(/line \d+:/g, 'line N:');
    matchGolden(join(__dirname, 'golden', 'trace.txt'), scenario);
  });

  it('gives JSON the very lines that run --trace records', async () => {
    assert.equal((await traced('a.guest', { json: true })).text, await recorded());
  });

  it('reads a recorded trace as it tells a live one, but for the sources', async () => {
    const events = (text: string): string[] => text.split('\n').filter((line) => /^ /.test(line) && !line.includes('listing_line'));
    const live = await traced('a.guest', {});
    const read = await traced('old.jsonl', {}, { files: { ...files, 'old.jsonl': await recorded() } });
    assert.equal(read.status, 0);
    assert.ok(events(live.text).length > 50);
    assert.deepEqual(events(read.text), events(live.text));
  });

  it('filters by kind, actor and condition, and counts', async () => {
    const kinds = async (options: TraceOptions): Promise<string[]> => (
      (await traced('a.guest', { json: true, ...options })).text.trim().split('\n').filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { kind: string }).kind)
    );
    assert.deepEqual(await kinds({ kind: ['vm_exit', 'hidden_fault'] }), ['vm_exit', 'vm_exit', 'hidden_fault']);
    assert.deepEqual(await kinds({ where: 'event.kind == access_done and event.value == 2' }), ['access_done']);
    assert.deepEqual(await kinds({ kind: ['vm_exit'], actor: ['host'] }), []);
    assert.deepEqual(await kinds({ kind: ['vm_exit'], cpu: 1 }), []);
    assert.deepEqual(await kinds({ kind: ['vm_exit', 'hidden_fault'], limit: 2 }), ['vm_exit', 'vm_exit']);
    const counts = await traced('a.guest', { count: true, kind: ['vm_exit', 'hidden_fault', 'ept_violation'] });
    assert.equal(counts.text, '2  vm_exit\n1  hidden_fault\n');
  });

  it('judges a condition on the machine as it stands at the event', async () => {
    const { text } = await traced('a.guest', { where: 'event.kind == vm_exit and cr3 == p.root', json: true });
    assert.equal(text.trim().split('\n').length, 1, 'the exit of MOV to CR3 happens before CR3 has its value');
  });

  it('writes to a file', async () => {
    const { text, files: written } = await traced('a.guest', { kind: ['vm_exit'], out: 'exits.txt' });
    assert.equal(text, '');
    assert.match(written.get('exits.txt') ?? '', /kernel\.guest:\d+:3: cr3 = .*\n.*vm_exit .* VM exit: Control-register accesses\na\.guest:5:3: user/);
  });

  for (const [what, file, options, said] of [
    ['an unknown kind', 'a.guest', { kind: ['vm_exits'] }, /there is no event kind vm_exits; the kinds are access, /],
    ['an unknown actor', 'a.guest', { actor: ['me'] }, /there is no actor me; the actors are guest, walker, vmm, host, device\./],
    ['a condition that is none', 'a.guest', { where: 'event.colour' }, /--where: .*colour/],
    ['a technique that is none', 'a.guest', { mmu: 'magic' }, /pagewalk: --mmu magic: there is no technique magic/],
    ['a file that is missing', 'b.guest', {}, /b\.guest cannot be read/],
    ['a trace that is missing', 'b.jsonl', {}, /b\.jsonl cannot be read/],
    ['a trace with a condition', 'b.jsonl', { where: '1' }, /--where needs the machine: name the scenario/],
  ] as const) {
    it(`refuses ${what} with status 2 and a sentence`, async () => {
      const { status, errors, text } = await traced(file, options);
      assert.deepEqual([status, text], [2, '']);
      assert.match(errors, said);
    });
  }

  it('says which line is none of a trace', async () => {
    const { status, errors } = await traced('old.jsonl', {}, { files: { 'old.jsonl': '{"step":1,"event":1,"cpu":0,"actor":"walker","kind":"tlb_miss","gva":"0x0"}\nhello\n' } });
    assert.equal(status, 2);
    assert.match(errors, /old\.jsonl:2: this is no line of a trace/);
  });
});
