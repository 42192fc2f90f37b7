import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { costsPage } from '../../scripts/costsPage';

const file = path.join(__dirname, '../../docs/costs.md');

describe('docs/costs.md', () => {
  it('is the table that estimates are made with (UPDATE_GENERATED=1 writes it)', () => {
    if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, costsPage());
    assert.equal(readFileSync(file, 'utf8'), costsPage());
  });
});
