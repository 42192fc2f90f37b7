import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { DOMParser } from '@xmldom/xmldom';
import { compare, type CompareOptions } from '../../src/cli/compare';
import { readSweep } from '../../src/cli/sweep';
import { matchGolden } from './golden';
import { ScriptedConsole, type Script } from './scriptedConsole';

const files = {
  'touches.guest': [
    'machine { paging 4-level, ram 16M, mmu shadow-wp }',
    'process p { 0x600000 .. 0x800000  rw user }',
    'global n = 2',
    'cpu 0 {',
    '  switch(p)',
    '  for i in 0 .. n { user [0x600000 + i * 4K] = 1 }',
    '  entry [pte_at(p, 0x600000)] &= ~RW',
    '  expect under shadow-wp: page_table_writes_trapped == 1',
    '}',
  ].join('\n'),
  'fails.guest': 'machine { paging 4-level, ram 16M }\ncpu 0 {\n  x = 1\n  expect under ept: x == 2\n}\n',
  'dies.guest': 'machine { paging 4-level, ram 16M }\ncpu 0 { x = 1\n  expect x == 1\n  y = x / (x - 1)\n  expect y == 1\n}\n',
  'broken.guest': 'cpu 0 { x = nowhere }\n',
  'amd.guest': 'machine { paging 4-level, ram 16M }\nplatform { vendor amd }\ncpu 0 { x = 1 }\n',
} as const;

const mmu = ['native', 'shadow-wp', 'ept', 'shadow-wp:colour=red'];

async function compared(file: string, options: CompareOptions, script: Script = {}): Promise<ScriptedConsole & { status: number }> {
  const console = new ScriptedConsole({ files, ...script });
  return Object.assign(console, { status: await compare(file, options, console) });
}

const golden = (name: string): string => join(__dirname, 'golden', name);

describe('pagewalk compare', () => {
  it('says of a run that died that no more was judged', async () => {
    const { status, text } = await compared('dies.guest', { mmu: ['native', 'ept'] });
    assert.equal(status, 1);
    assert.match(text, /^expectations held +1, died +1, died$/m);
    assert.match(text, /^under ept: dies\.guest:4:\d+: /m);
  });

  it('prints a table of the techniques side by side, and why one does not fit', async () => {
    const { status, text, errors } = await compared('touches.guest', { mmu });
    assert.deepEqual([status, errors], [0, '']);
    matchGolden(golden('compare-table.txt'), text);
  });

  it('prints of a sweep a table a quantity', async () => {
    const { status, text } = await compared('touches.guest', { mmu: ['native', 'shadow-wp', 'ept'], sweep: 'n=1..256:x4' });
    assert.equal(status, 0);
    matchGolden(golden('compare-sweep.txt'), text);
  });

  it('estimates with the costs that are asked for, and says what the estimate comes from', async () => {
    const { status, text } = await compared('touches.guest', { mmu: ['ept'], costs: 'nehalem:walk_reference=200' });
    assert.equal(status, 0);
    assert.match(text, /^ {2}walk references, 200 each +34,400$/m);
    assert.match(text, /^ {2}VM exits, 2,000 each +4,000$/m);
    const { text: json } = await compared('touches.guest', { mmu: ['ept'], costs: 'nehalem', json: true });
    const [{ counters, estimate }] = (JSON.parse(json) as { techniques: [{ counters: { estimated_cycles: number }; estimate: { costs: string; cycles: number; causes: { count: number; each: number; mark: string; cycles: number }[] } }] }).techniques;
    assert.deepEqual([estimate.costs, estimate.cycles], ['nehalem', counters.estimated_cycles]);
    assert.equal(estimate.causes.reduce((sum, { count, each }) => sum + count * each, 0), estimate.cycles);
    const wrong = await compared('touches.guest', { costs: 'nehalm' });
    assert.deepEqual([wrong.status, wrong.errors], [2, 'pagewalk: --costs nehalm: write one of the cost models modern, nehalem, epyc.\n']);
  });

  it('prints the same as one object with --json', async () => {
    const { text } = await compared('touches.guest', { mmu, json: true });
    const object = JSON.parse(text) as { scenario: string; techniques: { mmu: string; ok: boolean; counters: { vm_exits: { total: number } } }[]; unfit: { mmu: string; why: string }[] };
    assert.deepEqual(Object.keys(object), ['scenario', 'techniques', 'unfit']);
    assert.deepEqual(object.techniques.map((each) => [each.mmu, each.ok]), [['native', true], ['shadow-wp', true], ['ept', true]]);
    assert.equal(object.techniques[0]?.counters.vm_exits.total, 0);
    assert.match(object.unfit[0]?.why ?? '', /no setting colour/);
    const swept = JSON.parse((await compared('touches.guest', { mmu: ['ept'], sweep: 'n=1,4', json: true })).text) as Record<string, unknown>;
    assert.deepEqual([swept['sweep'], (swept['points'] as { value: string }[]).map(({ value }) => value)], ['n', ['0x1', '0x4']]);
  });

  it('is status 1 when an expectation fails under some technique, 2 when there is nothing to compare', async () => {
    assert.equal((await compared('fails.guest', { mmu: ['native', 'ept'] })).status, 1);
    assert.equal((await compared('fails.guest', { mmu: ['native'] })).status, 0);
    assert.equal((await compared('broken.guest', {})).status, 2);
    assert.equal((await compared('missing.guest', {})).status, 2);
    assert.equal((await compared('amd.guest', { mmu: ['ept'] })).status, 2);
  });

  it('says what is wrong with a sweep', async () => {
    for (const [sweep, said] of [
      ['m=1..4', /The scenario has no global `m` to set; declare it with `global m = …`/],
      ['n', /--sweep n: write NAME=FROM\.\.TO/],
      ['n=4..1', /4 is past 1/],
      ['n=0..8:x2', /the steps lead nowhere/],
      ['n=0..4096', /more than 1000 values/],
    ] as const) {
      const { status, errors } = await compared('touches.guest', { sweep });
      assert.equal(status, 2, sweep);
      assert.match(errors, said);
    }
  });

  for (const [what, options] of [['techniques', {}], ['a sweep', { sweep: 'n=1..64:x8' }]] as const) {
    it(`draws ${what}: well-formed pictures with titled axes, that follow the reader's theme`, async () => {
      const { status, files: written } = await compared('touches.guest', { mmu: ['native', 'shadow-wp', 'ept'], ...options, svg: 'a.svg', html: 'a.html' });
      assert.equal(status, 0);
      const svg = written.get('a.svg') ?? '';
      const parsed = new DOMParser({ onError: (level, message) => { throw new Error(`${level}: ${message}`); } }).parseFromString(svg, 'text/xml');
      const texts = Array.from(parsed.getElementsByTagName('text')).map((node) => node.textContent);
      for (const word of ['native', 'shadow-wp', 'ept']) assert.ok(texts.includes(word), word);
      const axes = texts.filter((text) => /→|↑/.test(text ?? ''));
      assert.ok(axes.length >= 4 && axes.every((text) => /count|cycles|%|^n →/.test(text ?? '')), axes.join('; '));
      assert.match(svg, /prefers-color-scheme: dark/);
      assert.doesNotMatch(svg, /NaN|undefined|<script|https?:\/\/(?!www\.w3\.org)/);
      const page = written.get('a.html') ?? '';
      assert.match(page, /<svg[\s\S]*<table>[\s\S]*<th scope="col">shadow-wp<\/th>/);
      assert.doesNotMatch(page, /<script|<link|src=/);
    });
  }

  it('says which file cannot be written', async () => {
    const { status, errors } = await compared('touches.guest', { mmu: ['native'], svg: 'readonly/a.svg' });
    assert.deepEqual([status, errors], [2, 'pagewalk: readonly/a.svg cannot be written: check the folder and its rights.\n']);
  });

  it('stops at Ctrl-C with the runs so far', async () => {
    const endless = { 'endless.guest': 'machine { paging 4-level, ram 16M }\nglobal n = 0\ncpu 0 {\n  while true { n += 1 }\n}\n' };
    const { status, text } = await compared('endless.guest', { mmu: ['native', 'ept'], json: true }, { files: endless, interruptedAfter: 10, tick: 50 });
    const object = JSON.parse(text) as { interrupted: boolean; techniques: { mmu: string; interrupted: boolean }[] };
    assert.deepEqual([status, object.interrupted, object.techniques.map(({ mmu: name }) => name)], [130, true, ['native']]);
  });

  it('shows how much is left, by the runs there are to do', async () => {
    const { progress } = await compared('touches.guest', { mmu: ['native', 'shadow-wp', 'ept'], sweep: 'n=1..512:x2' }, {
      tick: 30, terminal: { colours: 'no', progressColumns: 120 },
    });
    assert.ok(progress.length > 0);
    assert.match(progress.at(-1) ?? '', /^touches\.guest under [\w-]+, n = \d+ \(\d+ of 30\): .* statements, .*\/s, \d+ %, about \d+ s left$/);
  });
});

describe('--sweep', () => {
  for (const [text, values] of [
    ['n=1..4', [1, 2, 3, 4]],
    ['n=1..100:x10', [1, 10, 100]],
    ['n=0..10:+5', [0, 5, 10]],
    ['n=1..6:+2', [1, 3, 5]],
    ['n=4K..0x4000:x2', [4096, 8192, 16384]],
    ['n=8,1,8,1_000', [8, 1, 1000]],
    ['n=7', [7]],
  ] as const) {
    it(`${text} is ${values.join(', ')}`, () => {
      assert.deepEqual(readSweep(text), { global: 'n', values: values.map(BigInt) });
    });
  }
});
