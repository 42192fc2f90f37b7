import { strict as assert } from 'node:assert';
import { COUNTER } from '../../src/hardware/state/counters';
import { catalog } from '../../src/engine/settings/catalog';
import { compareTechniques, startComparison, type Comparison } from '../../src/engine/run/compare';
import { run } from '../../src/engine/run/run';
import { compileScenario } from '../../src/language/compile';
import type { Program } from '../../src/language/program';

const machine = 'machine { paging 4-level, ram 16M, mmu shadow-wp }\nprocess p { 0x600000 .. 0x700000  rw user }\nglobal n = 3\n';
const touches = `${machine}cpu 0 {\n  switch(p)\n  for i in 0 .. n { user [0x600000 + i * 4K] = 1 }\n}\n`;

function program(text: string): Program {
  const { program: compiled, diagnostics } = compileScenario({ path: 'a.guest', text, catalog, readImport: () => undefined });
  assert.ok(compiled, JSON.stringify(diagnostics));
  return compiled;
}

function compared(text: string, options: Parameters<typeof compareTechniques>[1] = {}): Comparison {
  const comparison = compareTechniques(program(text), options);
  assert.ok(!('error' in comparison), 'error' in comparison ? comparison.error : '');
  return comparison;
}

const only = ['native', 'shadow-wp', 'ept'];

describe('comparing techniques', () => {
  it('gives each technique the counts that a run under it alone has', () => {
    const [point] = compared(touches, { techniques: only }).points;
    assert.deepEqual(point?.results.map(({ mmu }) => mmu), only);
    for (const { mmu, counters, estimatedCycles } of point.results) {
      const alone = run(program(touches), mmu);
      assert.ok(!('error' in alone));
      assert.deepEqual([counters, estimatedCycles], [alone.counters, alone.estimatedCycles], mmu);
    }
  });

  it('asks every technique when none is named, and says why one does not fit', () => {
    const { points, unfit } = compared(`platform { vendor amd }\n${touches}`);
    assert.ok(points[0]?.results.some(({ mmu }) => mmu === 'native'));
    assert.match(unfit.find(({ mmu }) => mmu === 'ept')?.why ?? '', /vendor amd/);
    assert.equal(points.flatMap(({ results }) => results).length + unfit.length, 10);
  });

  it('takes settings of a technique, and names the column as it was asked for', () => {
    const mmus = ['shadow-wp:update=zap', 'shadow-wp:update=eager', 'shadow-wp:colour=red'];
    const { points, unfit } = compared(touches, { techniques: mmus });
    assert.deepEqual(points[0]?.results.map(({ mmu }) => mmu), mmus.slice(0, 2));
    assert.match(unfit[0]?.why ?? '', /no setting colour/);
  });

  it('sweeps a global: each point is a run of its own with that first value', () => {
    const { points } = compared(touches, { techniques: ['native', 'shadow-wp'], sweep: { global: 'n', values: [1n, 2n, 16n] } });
    assert.deepEqual(points.map(({ value }) => value), [1n, 2n, 16n]);
    const hidden = points.map(({ results }) => results[1]?.counters[COUNTER['faults.hidden']]);
    assert.deepEqual(hidden, [1, 2, 16], 'one hidden fault for each page that is touched');
    const native = points.map(({ results }) => results[0]?.counters[COUNTER['exits.total']]);
    assert.deepEqual(native, [0, 0, 0]);
  });

  it('refuses to sweep what is no global', () => {
    const refused = compareTechniques(program(touches), { sweep: { global: 'pages', values: [1n] } });
    assert.deepEqual(refused, { error: 'the scenario has no global pages to sweep; declare it with `global pages = …`' });
  });

  it('counts tries of accesses, and those that left the guest', () => {
    const text = `${machine}cpu 0 {\n  switch(p)\n  user [0x600000] = 1\n  user [0x600000] = 2\n  user [0x600000] = 3\n}\n`;
    const tries = compared(text, { techniques: ['native', 'shadow-wp'] }).points[0]?.results.map((result) => result.tries);
    assert.deepEqual(tries, [{ all: 3, withExit: 0 }, { all: 3, withExit: 1 }], 'the first store meets a hidden fault');
  });

  it('can be broken off: the runs so far are there', () => {
    const endless = `${machine}cpu 0 {\n  while true { n += 1 }\n}\n`;
    const comparison = startComparison(program(endless), { techniques: ['native', 'ept'] });
    assert.ok(!('error' in comparison));
    let looks = 0;
    assert.equal(comparison.work(() => ++looks === 100), false);
    assert.deepEqual([comparison.progress().runs, comparison.progress().runsInAll, comparison.progress().now], [0, 2, 'native']);
    assert.ok(comparison.progress().statements > 1000);
    const { points, isOver } = comparison.comparison();
    assert.deepEqual([isOver, points[0]?.results.map(({ mmu, isOver: ended }) => [mmu, ended])], [false, [['native', false]]]);
  });
});
