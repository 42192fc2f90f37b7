import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { specializedWalksText, straightFillsText, wholeWalksText } from '../../../../scripts/specializedWalks';

const texts = { 'walks.ts': specializedWalksText, 'wholeWalks.ts': wholeWalksText, 'straightFills.ts': straightFillsText } as const;

for (const [file, text] of Object.entries(texts)) {
  describe(`src/hardware/paging/specialized/${file}`, () => {
    it('is what `npm run generate` makes of the table of formats today', () => {
      const written = readFileSync(join(__dirname, '../../../../src/hardware/paging/specialized', file), 'utf8');
      assert.ok(written === text(), 'it is out of date: run `npm run generate`');
    });
  });
}
