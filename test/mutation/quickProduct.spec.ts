import { strict as assert } from 'node:assert';
import { products } from '../exhaustive/products/catalog';

/** A thin sample of the exhaustive product, for the thousands of runs of a mutation check: bits one by one, and a few of all else. */
const STRIDE = 4001;
const quick = products.filter(({ about }) => about.includes('single bit') || about.includes('pair'));

describe('a sample of the product', () => {
  for (const product of quick) {
    it(product.about, () => {
      const score = product.run({ stride: product.about.includes('single bit') ? 11 : STRIDE, until: 'the first difference' });
      assert.deepEqual(score.examples, []);
    });
  }
});
