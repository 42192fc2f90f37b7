import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { consoleCommands } from '../../src/adapter/console/commandTable';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const program = '/lab/touch.guest';
const text = `machine { paging 4-level, ram 4M }
global walks = 3
process p { 0x600000 .. 0x602000 rw user }

cpu 0 {
  switch(p)
  first = gva:0x600000
  user [first] = 1
  user [first + 4096] = 2
}
`;

/** What is typed, and what is said: a line of it, or a pattern. */
const SAYS: readonly (readonly [typed: string, mmu: string, ...said: readonly (string | RegExp)[]])[] = [
  ['help', 'ept', 'Commands:', /^ {2}walk ADDRESS \[read\|write\|fetch\] \[user\] +walks the tables/],
  ['help walk', 'ept', 'walk ADDRESS [read|write|fetch] [user]', /Example: walk gva:0x600000 write user$/],
  ['walk first', 'ept', /^guest tables of CR3 gpa:0x/, /^ {2}PTE 0 at gpa:0x\w+ +P RW US XD A D → gpa:0x/, 'EPT for the final guest-physical address', /^ {2}EPT PTE \d+ at hpa:0x\w+ +R W X/, /^ {2}maps hpa:0x/],
  ['walk first', 'shadow-wp', /^shadow tables from hpa:0x/, /^ {2}PTE 0 at hpa:0x\w+ +P RW US XD A D → hpa:0x/, /^the host's tables from/],
  ['walk 0x601000 write user', 'shadow-wp', /^ {2}refused: the PTE is not present/],
  ['walk 0x600000 fetch user', 'native', /^ {2}refused: the rights refuse a/],
  ['walk gpa_of(first)', 'npt', /^nested 4-level from hpa:0x/, 'memory slot 0'],
  ['walk hva_of(first)', 'ept', /^the host's tables from/],
  ['maps hpa_of(first)', 'shadow-wp', /^ {2}shadow PTE 0 at hpa:0x\w+ +maps it at gva:0x600000: P RW US/, /^ {2}host PTE \d+ at .* maps it at hva:0x/],
  ['maps gpa_of(first)', 'ept', /^ {2}guest PTE 0 at gpa:0x\w+ +maps it at gva:0x600000: P/],
  ['maps p.root', 'native', /^ {2}guest PDE .*maps it at gva:0xffff888000/],
  ['maps gpa:0x3ff000', 'native', /maps it/],
  ['who first', 'ept', /^gva:0x600000 was last written by the guest/],
  ['tables guest', 'shadow-wp', 'guest', /CR3 gpa:0x\w+ \(process p\) +\d+ PML4Es in 1 table, .* 2 PTEs in 1 table; /],
  ['tables', 'ept', 'Shadow page tables are not used by ept: it keeps EPT.', 'host'],
  ['tlb first', 'ept', /^ {2}L1 TLB, line \d+ {2}gva:0x600000 4K → hpa:0x.*: answers now$/],
  ['tlb 0x700000', 'ept', 'No TLB line covers gva:0x700000: the next access walks.'],
  ['decode 0x8000000000005067 as pte', 'ept', 'PTE: P RW US XD A D → gpa:0x5000', /^ {2}XD +1 {2}no instruction fetch {2}\(bit 63\)$/],
  ['decode 7 as ept pde', 'ept', /^EPT PDE: R W X/],
  ['settings', 'ept', '  tlb                         64 entries 4 ways', /^ {2}mmu +ept:/],
  ['trace statement', 'ept', /^\d+ events, \d VM exits?$/],
  ['history', 'ept', /^Here: step \d+$/, /^History: from step \d+ to step \d+, the latest stop$/, 'Edits: none'],
  ['settings backing', 'ept', /^platform \{ backing … \}, such as 4K, 2M or direct: Pages that/, '  backing  4K'],
];

/** What is typed, and why nothing comes of it. */
const REFUSES: readonly (readonly [typed: string, refusal: RegExp])[] = [
  ['help wlak', /^`help` does not know "wlak": did you mean walk\?$/],
  ['walk', /^`walk` needs an address behind it, such as walk gva:0x600000\.$/],
  ['walk nobody', /There is no `nobody` here/],
  ['walk p', /^p is no address; write one such as gva:0x600000 or gpa:0x5000\.$/],
  ['walk hpa:0x1000', /^hpa:0x1000 is memory itself: no tables translate it\./],
  ['walk gva:0x800000000000', /^gva:0x800000000000 is not canonical/],
  ['maps first', /^gva:0x600000 is no physical address; .* such as gpa_of\(gva:0x600000\)\.$/],
  ['tlb gpa:0', /^gpa:0x0 is no linear address/],
  ['tables shadwo', /did you mean shadow\?$/],
  ['tables x', /write one of guest, shadow, ept, host\.$/],
  ['decode 5', /^`decode` needs a number and what to read it as/],
  ['decode 5 as PTX', /did you mean PTE\?$/],
  ['settings bakcing', /did you mean backing\?$/],
  ['seek', /^`seek` does not know "": write a step such as 1204 or 1204\.3, or start or end\.$/],
  ['seek back', /does not know "back"/],
  ['rewind p', /^p is no address/],
  ['trace all', /^`trace` does not know "all"/],
  ['history all', /takes nothing behind it/],
  ['tabels guest', / The console has a command `tables`; `help` lists them\.$/],
];

async function stopped(mmu: string): Promise<TestClient> {
  const client = new TestClient(simulator, { [program]: text });
  await client.start({ program, mmu, lines: [9] });
  await client.stopped();
  return client;
}

describe('commands of the debug console', () => {
  const clients = new Map<string, Promise<TestClient>>();
  const under = (mmu: string): Promise<TestClient> => {
    const client = clients.get(mmu) ?? stopped(mmu);
    clients.set(mmu, client);
    return client;
  };
  after(async () => { for (const client of clients.values()) (await client).dispose(); });
  const typed = async (mmu: string, expression: string): Promise<DebugProtocol.Response> => (
    (await under(mmu)).request('evaluate', { expression, context: 'repl' })
  );

  for (const [expression, mmu, ...said] of SAYS) {
    it(`${expression}, under ${mmu}`, async () => {
      const response = await typed(mmu, expression);
      assert.ok(response.success, response.message);
      const lines = (response.body as { result: string }).result.split('\n');
      for (const wanted of said) assert.ok(lines.some((line) => (typeof wanted === 'string' ? line === wanted : wanted.test(line))), `${String(wanted)} is not in\n${lines.join('\n')}`);
    });
  }

  for (const [expression, refusal] of REFUSES) {
    it(`${expression}: refused`, async () => {
      const response = await typed('shadow-wp', expression);
      assert.equal(response.success, false);
      assert.match(response.message ?? '', refusal);
    });
  }

  it('help has an example or more for every command, and each is tried above', () => {
    for (const { name, usage, more } of consoleCommands) {
      assert.ok(usage.startsWith(name) && more.endsWith('.') || /Example: /.test(more), name);
      if (['seek', 'rewind'].includes(name)) continue; // they move: below
      assert.ok(SAYS.some(([expression]) => expression.split(' ')[0] === name), `${name} is not tried`);
    }
  });

  it('every example of help runs', async () => {
    for (const { more } of consoleCommands) {
      const example = /Example: (.*)$/.exec(more)?.[1];
      if (example !== undefined && !/^(?:seek|rewind) /.test(example)) assert.ok((await typed('shadow-wp', example)).success, example);
    }
  });

  it('leave expressions what they are: calls, counters, variables of the same name, and what is watched', async () => {
    const client = await under('shadow-wp');
    const value = async (expression: string, context = 'repl'): Promise<unknown> => (await client.ask('evaluate', { expression, context }))['result'];
    assert.match(String(await value('walk(first).frame')), /^gpa:0x/);
    assert.equal(await value('walks'), '0x3');
    assert.equal(await value('total.tlb.hits'), '0x0');
    assert.match(await client.refused('evaluate', { expression: 'help', context: 'watch' }), /There is no `help` here/);
    assert.match(await client.refused('evaluate', { expression: 'tlb - 1', context: 'repl' }), /family of counters/);
  });

  it('go through time: back to a write, to a moment, to the ends', async () => {
    const client = await stopped('ept');
    const go = async (expression: string): Promise<readonly [said: unknown, line: number, text: string]> => {
      const since = client.received.length;
      const said = (await client.ask('evaluate', { expression, context: 'repl' }))['result'];
      const stop = await client.stopped(since);
      return [said, (await client.top()).line, String(stop['description'])];
    };
    assert.deepEqual((await go('rewind first')).slice(0, 2), ['Going back to the last write of gva:0x600000.', 8]);
    const here = String((await client.ask('evaluate', { expression: 'history', context: 'repl' }))['result']);
    const [, step, event] = /^Here: step (\d+), event (\d+), in the past$/m.exec(here) ?? [];
    assert.ok(step !== undefined && event !== undefined, here);
    const [said, line] = await go('seek start');
    assert.deepEqual([said, line], ['Going to the start of history.', 6]);
    for (const moment of [`${step}.${event}`, `${step}:${event}`]) {
      assert.deepEqual((await go(`seek ${moment}`)).slice(0, 2), [`Going to step ${step}, event ${event}.`, 8]);
    }
    assert.equal((await go('seek end'))[1], 9);
    client.dispose();
  });

  it('under several VMs ask the VM that the address is of', async () => {
    const two = '/lab/two.guest';
    const vm = (name: string): string => `vm ${name} {\n  machine { paging 4-level, ram 4M }\n  process p { 0x600000 .. 0x601000 rw user }\n  cpu 0 {\n    switch(p)\n    user [0x600000] = 1\n    done = 1\n  }\n}\n`;
    const client = new TestClient(simulator, { [two]: `${vm('alice')}${vm('bob')}` });
    await client.start({ program: two, mmu: 'ept', lines: [16] });
    await client.stopped();
    const roots = await Promise.all(['alice', 'bob'].map(async (name) => {
      const said = String((await client.ask('evaluate', { expression: `walk ${name}.gpa:0x3000`, context: 'repl' }))['result']);
      return /^EPT from (hpa:0x\w+)/.exec(said)?.[1];
    }));
    assert.ok(roots[0] !== undefined && roots[1] !== undefined && roots[0] !== roots[1], String(roots));
    client.dispose();
  });
});

describe('completions in the debug console', () => {
  let client: TestClient;
  before(async () => { client = await stopped('shadow-wp'); });
  after(() => { client.dispose(); });
  const at = async (line: string, more: object = {}): Promise<DebugProtocol.CompletionItem[]> => (
    (await client.ask<{ targets: DebugProtocol.CompletionItem[] }>('completions', { text: line, column: line.length + 1, ...more })).targets
  );

  const OFFERS: readonly (readonly [line: string, offered: readonly string[], not: readonly string[]])[] = [
    ['', ['help', 'walk', 'tables', 'first', 'walks', 'p', 'cr3', 'gpa_of', 'rw', 'P', 'total', 'entry', 'pte'], ['if', 'map', 'invlpg', 'swap_out', 'machine']],
    ['he', ['help'], ['walk']],
    ['walk ', ['first', 'gva', 'gpa_of', 'rax'], ['help', 'tables']],
    ['tables ', ['guest', 'shadow', 'ept', 'host'], ['first']],
    ['help ', ['walk', 'tlb'], ['first']],
    ['settings t', ['tlb', 'tags', 'tlb_l2'], ['first']],
    ['decode 5 ', ['as'], ['PTE']],
    ['decode 5 as ', ['PTE', 'PML4E', 'EPT PDE'], ['first', 'as']],
    ['decode first + 1 as ept p', ['PTE', 'PDPTE'], ['EPT PTE', 'first']],
    ['1 + ', ['first', 'cr0'], ['help']],
    ['cr4.', ['SMEP', 'PGE'], ['first', 'walk']],
    ['walk(first).', ['frame', 'pte', 'fault'], ['first']],
    ['total.', ['tlb.hits', 'exits.total'], ['first']],
    ['p.', ['root', 'pcid'], ['first']],
    ['walk p.', ['root'], ['first']],
  ];
  for (const [line, offered, not] of OFFERS) {
    it(`behind "${line}"`, async () => {
      const items = await at(line);
      const found = items.map(({ label }) => label);
      assert.deepEqual(offered.filter((label) => !found.includes(label)), [], 'is missing');
      assert.deepEqual(not.filter((label) => found.includes(label)), [], 'does not belong there');
      // `walk` is a command and a question too.
      assert.equal(new Set(items.map(({ label, type }) => `${label} ${String(type)}`)).size, items.length, 'each once');
    });
  }

  it('take the place of the word before the column, counted in UTF-16 units and from the client\'s base', async () => {
    const [item] = await at('"𝒢" + cr4.SME');
    assert.deepEqual([item?.label, item?.start, item?.length], ['SMEP', 12, 3]);
    const inner = await client.ask<{ targets: DebugProtocol.CompletionItem[] }>('completions', { text: 'fir + 1', column: 4 });
    assert.deepEqual(inner.targets.map(({ label, start, length }) => [label, start, length]), [['first', 1, 3]]);
    const second = await client.ask<{ targets: DebugProtocol.CompletionItem[] }>('completions', { text: '1 +\nfirs', line: 2, column: 5 });
    assert.deepEqual(second.targets.map(({ label, start, length }) => [label, start, length]), [['first', 5, 4]]);
  });

  it('begin for VS Code where VS Code counts from, and for a client whose columns start at 0', async () => {
    for (const [introduction, column, start] of [[{ clientID: 'vscode' }, 5, 1], [{ columnsStartAt1: false }, 4, 1], [{ clientID: 'nvim-dap' }, 5, 2]] as const) {
      const other = new TestClient(simulator, { [program]: text });
      await other.initialize(introduction);
      await other.ask('launch', { program, stopOnEntry: true });
      await other.event('initialized');
      await other.ask('configurationDone');
      await other.stopped();
      const { targets } = await other.ask<{ targets: DebugProtocol.CompletionItem[] }>('completions', { text: ' wal', column });
      assert.deepEqual([targets[0]?.label, targets[0]?.start, targets[0]?.length], ['walk', start, 3], JSON.stringify(introduction));
      other.dispose();
    }
  });

  it('of a call select its first argument', async () => {
    const [item] = (await at('gpa_')).filter(({ label }) => label === 'gpa_of');
    assert.deepEqual([item?.text, item?.selectionStart, item?.selectionLength], ['gpa_of(a)', 7, 1]);
  });

  it('are names that can be read: each of them is a value, or says which part of it is', async () => {
    const bad: string[] = [];
    for (const { label, type } of await at('1 + ')) {
      if (type === 'function' || type === 'keyword' || type === 'unit' || label === 'total') continue;
      const response = await client.request('evaluate', { expression: label, context: 'watch' });
      if (!response.success) bad.push(`${label}: ${response.message}`);
    }
    assert.deepEqual(bad, []);
  });

  it('and of a column that is not there, a frame that is gone, or a text that is none, are refused', async () => {
    for (const column of [0, -1, 9, 1.5]) assert.match(await client.refused('completions', { text: 'abc', column }), /a column of the line/);
    assert.match(await client.refused('completions', { text: 'abc', column: 1, line: 2 }), /a column of the line/);
    assert.match(await client.refused('completions', { text: 'abc', column: 1, frameId: 7 }), /Frame 7 belongs to an earlier stop/);
    assert.match(await client.refused('completions', { column: 1 }), /needs the argument "text" as text/);
  });
});
