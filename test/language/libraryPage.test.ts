import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { libraryPage } from '../../scripts/libraryPage';
import { programOf } from './scenarioCheck';

const file = path.join(__dirname, '../../docs/library.md');

describe('docs/library.md', () => {
  it('is what the comments of the library say (UPDATE_GENERATED=1 writes it)', () => {
    if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, libraryPage());
    assert.equal(readFileSync(file, 'utf8'), libraryPage());
  });
  it('tells of every procedure and handler, with what it takes', () => {
    const page = readFileSync(file, 'utf8');
    const { procedures, files } = programOf('cpu 0 { x = 1 }');
    const missing = procedures
      .filter(({ range }) => files[range.file]?.path === 'kernel.guest')
      .map(({ name, kind }) => {
        if (kind === 'procedure') return `#### \`${name}(`;
        const vector = /^interrupt (\d+)$/.exec(name)?.[1];
        return vector === undefined ? `#### \`on ${name}(` : `#### \`on interrupt 0x${Number(vector).toString(16)}\``;
      })
      .filter((heading) => !page.includes(heading));
    assert.deepEqual(missing, []);
  });
});
