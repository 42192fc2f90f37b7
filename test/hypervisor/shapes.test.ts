import { strict as assert } from 'node:assert';
import { compareTechniques } from '../../src/engine/run/compare';
import { COUNTER, type CounterName } from '../../src/hardware/state/counters';
import { compiled, scenarioText } from '../engine/onMachine';

const SHADOWS = ['shadow-rebuild', 'shadow-vtlb', 'shadow-wp', 'shadow-unsync'] as const;
const CACHED_SHADOWS = ['shadow-wp', 'shadow-unsync'] as const;

/** What a scenario comes to for values of one of its globals, as `pagewalk compare --sweep` has it. */
class Swept {
  private readonly points;

  constructor(name: string, global: string, private readonly values: readonly number[], techniques: readonly string[]) {
    const program = compiled(scenarioText(name), `${name}.guest`);
    const comparison = compareTechniques(program, { techniques, sweep: { global, values: values.map(BigInt) } });
    if ('error' in comparison) assert.fail(comparison.error);
    assert.deepEqual(comparison.unfit, []);
    for (const { value, results } of comparison.points) {
      for (const { mmu, outcome } of results) assert.equal(outcome.ok, true, `${name}, ${global} = ${value}, ${mmu}: what it expects does not hold`);
    }
    this.points = comparison.points;
  }

  /** A counter of the whole run under a technique, for each value in turn. */
  counts(technique: string, counter: CounterName): readonly number[] {
    return this.reports(technique).map(({ counters }) => counters[COUNTER[counter]]!);
  }

  cycles(technique: string): readonly number[] {
    return this.reports(technique).map(({ estimatedCycles }) => estimatedCycles);
  }

  /** What a counter grows by from each value to the next, for one more of the global; the same each time, or it fails. */
  slope(technique: string, counter: CounterName): number {
    const counts = this.counts(technique, counter);
    const slopes = counts.slice(1).map((count, i) => (count - counts[i]!) / (this.values[i + 1]! - this.values[i]!));
    assert.equal(new Set(slopes).size, 1, `${counter} under ${technique} is no straight line: ${counts.join(' ')}`);
    return slopes[0]!;
  }

  private reports(technique: string) {
    return this.points.map(({ results }) => results.find(({ mmu }) => mmu === technique) ?? assert.fail(`no result of ${technique}`));
  }
}

describe('shapes of what the techniques cost', () => {
  it('shadow paging wins when TLB misses far outnumber table edits', () => {
    const swept = new Swept('shadow-wins', 'n', [1, 2, 32], ['native', ...SHADOWS, 'ept']);
    for (const technique of SHADOWS) {
      assert.equal(swept.slope(technique, 'exits.total'), 0);
      assert.equal(swept.slope(technique, 'walk_references'), swept.slope('native', 'walk_references'));
      assert.ok(swept.counts(technique, 'exits.total')[0]! > swept.counts('ept', 'exits.total')[0]!, technique);
    }
    assert.equal(swept.slope('ept', 'walk_references'), 6 * swept.slope('native', 'walk_references'));
    assert.ok(swept.cycles('shadow-wp')[0]! > swept.cycles('ept')[0]!, 'few misses: strict write protection pays for its exits');
    for (const technique of SHADOWS) {
      assert.ok(swept.cycles(technique)[2]! < swept.cycles('ept')[2]!, `many misses: ${technique} walks one dimension`);
    }
  });

  it('EPT wins storms of fork: its exits are those of the first rounds, and a shadow\'s grow with each', () => {
    const swept = new Swept('fork-storm', 'n', [1, 2, 4], [...SHADOWS, 'ept']);
    assert.equal(swept.slope('ept', 'exits.total'), 0);
    assert.deepEqual(SHADOWS.map((technique) => swept.slope(technique, 'exits.total')), [29, 21, 29, 21]);
    for (const technique of SHADOWS) assert.ok(swept.cycles(technique)[0]! > swept.cycles('ept')[0]!, technique);
  });

  it('EPT wins storms of mmap: pages that the guest maps again were touched before', () => {
    const swept = new Swept('mmap-storm', 'n', [1, 2, 4], [...SHADOWS, 'ept']);
    assert.equal(swept.slope('ept', 'exits.total'), 0);
    assert.deepEqual(SHADOWS.map((technique) => swept.slope(technique, 'exits.total')), [24, 16, 24, 16]);
  });

  it('large pages on both sides close EPT\'s gap from 24 references to 15', () => {
    const swept = new Swept('large-pages', 'n', [1, 2, 16], ['native', ...SHADOWS, 'ept']);
    // Two misses a turn, in each of three places: large on both sides, small in the guest, small on both sides.
    assert.equal(swept.slope('native', 'walk_references'), 2 * (3 + 4 + 4));
    assert.equal(swept.slope('ept', 'walk_references'), 2 * (15 + 19 + 24));
  });

  it('unsync beats strict write protection on bursts, and loses nothing on isolated edits', () => {
    const swept = new Swept('unsync-burst', 'n', [1, 2, 64], [...CACHED_SHADOWS]);
    assert.equal(swept.slope('shadow-wp', 'exits.total'), 1);
    assert.equal(swept.slope('shadow-unsync', 'exits.total'), 0);
    const [strict, unsync] = CACHED_SHADOWS.map((technique) => swept.counts(technique, 'exits.total'));
    assert.equal(unsync![0], strict![0]);
  });

  it('the virtual TLB loses linearly with context switches: it pays for the pages behind each', () => {
    const swept = new Swept('virtual-tlb', 'n', [1, 2, 16], [...SHADOWS, 'ept']);
    assert.deepEqual(SHADOWS.map((technique) => swept.slope(technique, 'exits.total')), [2, 2 + 2 * 4, 2, 2]);
    assert.equal(swept.slope('ept', 'exits.total'), 0);
  });

  it('trapped stores grow with the stores, hidden faults with the pages used after a load of CR3: the lines cross', () => {
    const swept = new Swept('wp-vs-hidden', 'n', [1, 8, 64], [...SHADOWS]);
    assert.deepEqual(SHADOWS.map((technique) => swept.slope(technique, 'exits.total')), [1, 0, 1, 0]);
    const [protectedExits, forgottenExits] = ['shadow-rebuild', 'shadow-vtlb'].map((technique) => swept.counts(technique, 'exits.total'));
    assert.ok(protectedExits![0]! < forgottenExits![0]! && protectedExits![2]! > forgottenExits![2]!);
  });

  it('nested virtualization is dominated by first touches', () => {
    assert.equal(new Swept('nested-touches', 'n', [1, 2, 64], ['ept']).slope('ept', 'exits.total'), 0);
    assert.equal(new Swept('nested-touches', 'pages', [1, 2, 16], ['ept']).slope('ept', 'exits.total'), 5);
    assert.equal(new Swept('first-touch-nested', 'n', [1, 2, 64], ['nested']).slope('nested', 'exits.total'), 0);
    const touched = new Swept('first-touch-nested', 'pages', [1, 2, 16], ['ept', 'nested']);
    assert.deepEqual([touched.slope('ept', 'exits.total'), touched.slope('nested', 'exits.total')], [1, 9]);
  });

  it('memory for shadow tables grows with the number of processes, and for EPT it does not', () => {
    const swept = new Swept('shadow-memory', 'n', [1, 2, 4], [...CACHED_SHADOWS, 'ept']);
    for (const technique of CACHED_SHADOWS) assert.equal(swept.slope(technique, 'table_pages.shadow'), 4);
    assert.equal(swept.slope('ept', 'table_pages.ept'), 0);
  });
});
