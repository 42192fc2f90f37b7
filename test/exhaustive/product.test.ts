import { strict as assert } from 'node:assert';
import { performance } from 'node:perf_hooks';
import { Score } from './machine/score';
import { products } from './products/catalog';

/** `1` runs every case of every product; left out, what each product's own stride leaves. */
const EVERY_CASE = process.env['PAGEWALK_EXHAUSTIVE'] === '1';
/** Fewer cases than this, and a product has shrunk. */
const CASES_AT_LEAST = 40_000_000;

const printed = (cases: number, seconds: number): string => `${cases.toLocaleString('en')} cases in ${seconds.toFixed(1)} s`;

describe("the walk and the manuals' prose agree on", () => {
  const total = new Score();
  let seconds = 0;

  for (const { about, stride, run } of products) {
    it(about, function () {
      const begin = performance.now();
      const score = run({ stride: EVERY_CASE ? 1 : stride });
      const took = (performance.now() - begin) / 1000;
      seconds += took;
      total.add(score);
      if (this.test !== undefined) this.test.title = `${about}: ${printed(score.judged, took)}`;
      assert.deepEqual(score.examples, []);
      assert.equal(score.differing, 0);
      assert.ok(score.outcomes.size > 1, 'a product in which all comes out alike proves nothing');
      assert.ok(score.inspected > score.judged / 20, 'inspection is tried beside');
    });
  }

  it('all of them', function () {
    if (this.test !== undefined) this.test.title = `all of them: ${printed(total.judged, seconds)}`;
    assert.ok(total.judged >= CASES_AT_LEAST, `${total.judged} cases`);
  });
});
