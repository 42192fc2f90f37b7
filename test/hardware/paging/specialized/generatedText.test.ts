import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { specializedWalksText } from '../../../../scripts/specializedWalks';

describe('src/hardware/paging/specialized/walks.ts', () => {
  it('is what `npm run generate` makes of the table of formats today', () => {
    const written = readFileSync(join(__dirname, '../../../../src/hardware/paging/specialized/walks.ts'), 'utf8');
    assert.ok(written === specializedWalksText(), 'it is out of date: run `npm run generate`');
  });
});
