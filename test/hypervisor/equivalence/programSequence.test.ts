import { strict as assert } from 'node:assert';
import { programsOf } from './programSequence';
import { raceFreeText } from './raceFreeText';

const textsOf = (seed: number, first: number, end: number): readonly string[] => [...programsOf(seed, first, end)].map(({ draw }) => raceFreeText(draw));

describe('random programs of a seed', () => {
  it('are the same wherever a run is cut', () => {
    const whole = textsOf(7, 0, 330);
    assert.equal(new Set(whole).size, whole.length);
    for (const cuts of [[0, 330], [0, 1, 330], [0, 99, 100, 101, 330], [0, 150, 250, 330], [0, 37, 200, 299, 330]]) {
      const parts = cuts.slice(1).flatMap((end, i) => textsOf(7, cuts[i]!, end));
      assert.deepEqual(parts, whole, cuts.join(', '));
    }
  });

  it('have their numbers, and fast-check finds each again by seed and path', () => {
    const numbers = [...programsOf(7, 98, 203)].map(({ index }) => index);
    assert.deepEqual(numbers, Array.from({ length: 105 }, (_, i) => 98 + i));
  });

  it('are others with another seed', () => {
    const others = new Set(textsOf(8, 0, 50));
    assert.ok(textsOf(7, 0, 50).every((text) => !others.has(text)));
  });
});
