import { strict as assert } from 'node:assert';
import { causesOfCycles, costModelOf, costModelOfText, estimatedCycles, type CostModel } from '../../src/engine/costs/costModel';
import { costModelRows, costRows } from '../../src/engine/costs/costTable';
import { run, type RunReport } from '../../src/engine/run/run';
import { COUNTER, COUNTERS, EXIT_COUNTERS_AT } from '../../src/hardware/state/counters';
import { EXIT_REASON } from '../../src/hardware/vmx/exitReasons';
import { compiled } from './onMachine';

function model(...values: readonly (string | number)[]): CostModel {
  const found = costModelOf(values);
  if ('error' in found) throw new Error(found.error);
  return found;
}

function ran(platform: string, mmu: string): RunReport {
  const text = `platform { ${platform} }
machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x602000 rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 1
  user [0x601000] = 1
}
`;
  const report = run(compiled(text), mmu);
  if ('error' in report) throw new Error(report.error);
  return report;
}

describe('estimated cycles', () => {
  it('are each count times what one of its kind is taken to cost', () => {
    const counters = new Float64Array(COUNTERS);
    counters[COUNTER.accesses] = 1000;
    counters[COUNTER['exits.total']] = 7;
    counters[COUNTER['faults.hidden']] = 3;
    counters[EXIT_COUNTERS_AT + EXIT_REASON.ept_violation] = 2;
    const costs = model('modern', 'vm_exit', 900, 'mapping', 10);
    assert.deepEqual(causesOfCycles(costs, counters).map(({ cause, count, cycles }) => [cause, count, cycles]), [
      ['accesses', 1000, 1000], ['VM exits', 7, 6300], ['software walks', 3, 600], ['mappings made', 5, 50],
    ]);
    assert.equal(estimatedCycles(costs, counters), 7950);
  });

  it('take the model of the platform, and what it leaves out from the table', () => {
    const walk = costRows.find(({ name }) => name === 'walk_reference')!.cost.cycles;
    for (const { name, costs } of costModelRows) {
      const report = ran(`costs ${name} guest_fault 1`, 'ept');
      const exit = costs['vm_exit']?.cycles ?? 1200;
      const each = new Map(causesOfCycles(report.costs, report.counters).map(({ cause, each: { cycles } }) => [cause, cycles]));
      assert.deepEqual([each.get('VM exits'), each.get('walk references')], [exit, walk], name);
      assert.equal(report.estimatedCycles, estimatedCycles(report.costs, report.counters));
    }
  });

  it('change nothing but themselves', () => {
    const [one, other] = [ran('costs modern', 'shadow-wp'), ran('costs epyc walk_reference 200', 'shadow-wp')];
    assert.deepEqual(one.counters, other.counters);
    assert.notEqual(one.estimatedCycles, other.estimatedCycles);
  });

  it('say where each number is from', () => {
    const costs = [...costRows.map(({ cost }) => cost), ...costModelRows.flatMap((row) => Object.values(row.costs))];
    for (const each of costs) assert.ok((each?.source.length ?? 0) > 10 && (each?.cycles ?? 0) > 0);
    const names = new Set(costRows.map(({ name }) => name));
    assert.deepEqual(costModelRows.flatMap((row) => Object.keys(row.costs)).filter((name) => !names.has(name)), []);
  });

  it('can be read after --costs, and a mistake there gets a sentence', () => {
    assert.deepEqual(costModelOfText('nehalem:vm_exit=900,access=2'), model('nehalem', 'vm_exit', 900, 'access', 2));
    const mistakes: readonly (readonly [string, RegExp])[] = [
      ['nehalm', /^write one of the cost models modern, nehalem, epyc$/],
      ['modern:vmexit=9', /^vmexit is no cost; there are access, walk_reference, vm_exit/],
      ['modern:vm_exit', /^write how many cycles vm_exit takes, as in modern vm_exit 900$/],
      ['modern:vm_exit=fast', /^write how many cycles vm_exit takes/],
    ];
    for (const [text, sentence] of mistakes) {
      const found = costModelOfText(text);
      assert.match('error' in found ? found.error : '', sentence, text);
    }
  });
});
