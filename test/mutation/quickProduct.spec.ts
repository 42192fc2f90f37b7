import { strict as assert } from 'node:assert';
import { products } from '../exhaustive/products/catalog';

/** A thin sample of the exhaustive product, for the thousands of runs of a mutation check: bits one by one, and a few of all else. */
const STRIDE = 4001;
const FORMATS = ['32-bit with PSE', 'PAE: ', '4-level', 'EPT, 4 levels', 'EPT with', 'nested PAE'];
const quick = products.filter(({ about }) => FORMATS.some((format) => about.startsWith(format)) && (
  about.includes('single bit') || about.includes('pair') || about.includes('keys')));

describe('a sample of the product', () => {
  for (const product of quick) {
    it(product.about, () => {
      const score = product.run({ stride: product.about.includes('single bit') ? 11 : STRIDE, until: 'the first difference' });
      assert.deepEqual(score.examples, []);
    });
  }
});
