import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { mythOf, mythsPage } from '../../scripts/mythsPage';

const file = path.join(__dirname, '../../docs/myths.md');

describe('docs/myths.md', () => {
  it('is what the first lines of the scenarios say (UPDATE_GENERATED=1 writes it)', () => {
    if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, mythsPage());
    assert.equal(readFileSync(file, 'utf8'), mythsPage());
  });

  it('asks a scenario for its claim and for what is true', () => {
    assert.deepEqual(mythOf('a.guest', '/// Myth: the earth\n/// is flat.\n/// True: it is not.\ncpu 0 { }\n'), { claim: 'the earth is flat', truth: 'it is not.' });
    assert.throws(() => mythOf('a.guest', '/// The earth is flat.\n'), /a\.guest begins with/);
  });
});
