import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { DOMParser, type Element } from '@xmldom/xmldom';
import type { RunOptions } from '../../src/cli/commandLine';
import { runScenarios } from '../../src/cli/run';
import { matchGolden } from './golden';
import { ScriptedConsole, type Script } from './scriptedConsole';

const bare = 'machine { paging 4-level, ram 16M, mmu native }\n';
const machine = `${bare}process p { 0x600000 .. 0x601000  rw user }\n`;

/** A course's folder: every way in which a scenario can end. */
const files = {
  'course/a-held.guest': `${machine}cpu 0 {\n  switch(p)\n  user [0x600000] = 1\n  expect no page_fault\n  expect under ept: exits are ept_violation\n  if p.pcid {\n    x = 1\n    expect x == 1\n  }\n  print "a < b & c #1"\n}\n`,
  'course/b-fails.guest': `${bare}cpu 0 {\n  for i in 0 .. 3 {\n    x = i\n    expect x < 2\n  }\n}\n`,
  'course/c-dies.guest': `${bare}cpu 0 {\n  z = 0\n  y = 1 / z\n  print y\n}\n`,
  'course/d-broken.guest': `${bare}cpu 0 {\n  x = nowhere\n}\n`,
  'course/library.guest': 'procedure f() {\n  x = 1\n}\n',
} as const;

async function run(names: readonly string[], options: RunOptions, script: Script = {}): Promise<ScriptedConsole & { status: number }> {
  const console = new ScriptedConsole({ files, ...script });
  const status = await runScenarios(names, options, console);
  return Object.assign(console, { status });
}

const golden = (name: string): string => join(__dirname, 'golden', name);

describe('reporters of pagewalk run', () => {
  it('spec: scenarios with their expectations, the failures in full below', async () => {
    const { status, text, errors } = await run(['course/'], { reporter: 'spec' });
    assert.deepEqual([status, errors], [2, '']);
    matchGolden(golden('report-spec.txt'), text);
  });

  it('spec in colours: red and green stand beside ✗ and ✓', async () => {
    const { text } = await run(['course/a-held.guest', 'course/b-fails.guest'], { reporter: 'spec' }, {
      terminal: { colours: 'yes', progressColumns: undefined },
    });
    assert.ok(text.includes('\u001b[32m✓\u001b[39m 6: expect no page_fault'), text);
    assert.ok(text.includes('\u001b[31m✗ 5: expect x < 2\u001b[39m'), text);
  });

  it('tap: version 14, a plan at the end that counts every point', async () => {
    const { status, text, errors } = await run(['course/'], { reporter: 'tap' });
    assert.deepEqual([status, errors], [2, '']);
    matchGolden(golden('report-tap.txt'), text);
    const points = text.split('\n').filter((line) => /^(not )?ok /.test(line));
    assert.deepEqual(points.map((line) => Number(/(\d+) - /.exec(line)?.[1])), points.map((_, index) => index + 1));
    assert.equal(text.trimEnd().split('\n').at(-1), `1..${points.length}`);
  });

  describe('junit', () => {
    let suites: Element[];
    let root: Element;
    const attribute = (element: Element, name: string): string => element.getAttribute(name) ?? '(none)';
    const children = (element: Element, name: string): Element[] => Array.from(element.childNodes).filter((node): node is Element => node.nodeName === name);

    before(async () => {
      const { text, errors } = await run(['course/'], { reporter: 'junit' });
      assert.equal(errors, '');
      const document = new DOMParser({ onError: (level, message) => { throw new Error(`${level}: ${message}`); } }).parseFromString(text, 'text/xml');
      assert.ok(document.documentElement);
      root = document.documentElement;
      suites = children(root, 'testsuite');
    });

    it('has a suite a scenario, and none for a file that is only imported', () => {
      assert.equal(root.nodeName, 'testsuites');
      assert.deepEqual(suites.map((suite) => attribute(suite, 'name')), [
        'course/a-held.guest under native', 'course/b-fails.guest under native', 'course/c-dies.guest under native', 'course/d-broken.guest',
      ]);
    });

    it('counts what it holds, in each suite and in all', () => {
      const names = ['tests', 'failures', 'errors', 'skipped'] as const;
      const sums = [0, 0, 0, 0];
      for (const suite of suites) {
        const cases = children(suite, 'testcase');
        const holding = (name: string): number => cases.filter((test) => children(test, name).length === 1).length;
        const counted = [cases.length, holding('failure'), holding('error'), holding('skipped')];
        assert.deepEqual(names.map((name) => Number(attribute(suite, name))), counted, attribute(suite, 'name'));
        counted.forEach((count, index) => { sums[index]! += count; });
        assert.match(attribute(suite, 'time'), /^\d+\.\d{3}$/);
      }
      assert.deepEqual(names.map((name) => Number(attribute(root, name))), sums);
      assert.deepEqual(sums, [8, 2, 1, 2]);
    });

    it('has a case an expectation with its place, and why it failed or was not judged', () => {
      const [held, fails, dies, broken] = suites.map((suite) => children(suite, 'testcase'));
      assert.deepEqual(held?.map((test) => [attribute(test, 'name'), attribute(test, 'line')]), [
        ['6: expect no page_fault', '6'], ['7: expect under ept: exits are ept_violation', '7'], ['10: expect x == 1', '10'], ['comes to its end', '(none)'],
      ]);
      const said = (test: Element | undefined, name: string): string => attribute(children(test!, name)[0]!, 'message');
      assert.deepEqual([said(held[1], 'skipped'), said(held[2], 'skipped')], ['about other techniques', 'never reached']);
      assert.match(said(fails?.[0], 'failure'), /^expect x < 2 fails: x is 0x2/);
      assert.match(said(dies?.[0], 'failure'), /c-dies\.guest:4:3: division by zero/);
      assert.match(said(broken?.[0], 'error'), /d-broken\.guest:3:7: There is no `nowhere` here/);
    });

    it('keeps what was printed, whatever characters it has', () => {
      assert.equal(children(suites[0]!, 'system-out')[0]?.textContent, 'a < b & c #1');
    });
  });

  it('without one says a line a scenario, and one for all', async () => {
    const { status, text, errors } = await run(['course/'], {});
    assert.equal(status, 2);
    assert.equal(text.trimEnd().split('\n').at(-1), '4 scenarios: 1 ok, 2 failed, 1 could not be run');
    assert.match(errors, /b-fails\.guest:5:5: expect x < 2 fails.*\n.*c-dies\.guest:4:3: division by zero.*\n +at cpu 0 \(.*c-dies\.guest:4:3\)\n.*d-broken\.guest:3:7: /);
  });

  it('a folder without a scenario is status 2 and a sentence', async () => {
    const { status, errors } = await run(['empty/'], {});
    assert.deepEqual([status, errors], [2, 'pagewalk: empty/ holds no scenario: a file NAME.guest with a `cpu 0 { … }` block.\n']);
  });
});

describe('a run that takes long', () => {
  const endless = { 'endless.guest': 'machine { paging 4-level, ram 16M, mmu native }\nglobal n = 0\ncpu 0 {\n  while true { n += 1 }\n}\n' };

  it('stops at Ctrl-C with the counts so far, as status 130', async () => {
    const { status, text } = await run(['endless.guest', 'course/a-held.guest'], { json: true }, { files: { ...files, ...endless }, interruptedAfter: 20, tick: 50 });
    assert.equal(status, 130);
    const objects = text.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(objects.length, 1, 'the files behind it are not run');
    assert.deepEqual([objects[0]?.['ok'], objects[0]?.['interrupted']], [false, true]);
    assert.ok((objects[0]?.['counters'] as { statements: number }).statements > 0);
  });

  it('says how much is left where a loop tells', async () => {
    const counted = { 'counted.guest': 'machine { paging 4-level, ram 16M, mmu native }\nglobal n = 0\ncpu 0 {\n  for i in 0 .. 100000 { n += i }\n}\n' };
    const { progress } = await run(['counted.guest'], {}, { files: counted, tick: 40, terminal: { colours: 'no', progressColumns: 100 } });
    assert.match(progress.at(-1) ?? '', /^counted\.guest: [\d,.]+( million)? statements, [\d,.]+( million)?\/s, \d+ %, about \d+ (s|min) left$/);
  });

  it('shows on a terminal, and after a second, what runs, how much of it and how fast', async () => {
    const { progress } = await run(['endless.guest'], {}, {
      files: endless, interruptedAfter: 100, tick: 20, terminal: { colours: 'yes', progressColumns: 100 },
    });
    assert.ok(progress.length > 3);
    for (const line of progress) assert.match(line, /^endless\.guest: [\d,.]+( million)? statements, [\d,.]+( million)?\/s, \d+ s$/);
    const { progress: short } = await run(['endless.guest'], {}, { files: endless, interruptedAfter: 8, tick: 20, terminal: { colours: 'yes', progressColumns: 100 } });
    assert.deepEqual(short, [], 'less than a second');
    const { progress: piped } = await run(['endless.guest'], {}, { files: endless, interruptedAfter: 100, tick: 20 });
    assert.deepEqual(piped, [], 'no terminal');
  });
});
