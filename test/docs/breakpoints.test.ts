import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { breakpointsPage } from '../../scripts/breakpointTables';
import { exceptionFilters } from '../../src/adapter/breakpoints/exceptionFilters';

const file = path.join(__dirname, '../../docs/breakpoints.md');

describe('docs/breakpoints.md', () => {
  it('has the tables that the adapter works with (UPDATE_GENERATED=1 writes them)', () => {
    if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, breakpointsPage(readFileSync(file, 'utf8')));
    const page = readFileSync(file, 'utf8');
    assert.equal(page, breakpointsPage(page));
    for (const { id } of exceptionFilters) assert.ok(page.includes(`| \`${id}\` |`), id);
  });
});
