import { strict as assert } from 'node:assert';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { eptStructures, pagingStructures, type Structure } from './bitTables';

const all: readonly (readonly [string, readonly Structure[]])[] = [...Object.entries(pagingStructures), ...Object.entries(eptStructures)];

describe('the oracle', () => {
  it('says of every bit of every entry once what it is for', () => {
    for (const [format, structures] of all) {
      for (const { name, table, page, entryBytes } of structures) {
        for (const bits of [table, page]) {
          if (bits === undefined) continue;
          const told = bits.flatMap(({ high, low }) => Array.from({ length: high - low + 1 }, (_, index) => high - index));
          assert.deepEqual(told, Array.from({ length: 8 * entryBytes }, (_, index) => 8 * entryBytes - 1 - index), `${format} ${name}`);
        }
      }
    }
  });

  it('takes every bit of a linear address into account once', () => {
    for (const [format, structures] of all) {
      structures.forEach(({ indexLow, indexBits }, depth) => {
        const above = structures[depth - 1];
        if (above !== undefined) assert.equal(above.indexLow, indexLow + indexBits, format);
      });
      if (structures.length > 0) assert.equal(structures.at(-1)?.indexLow, 12, format);
    }
  });

  it('uses nothing of what it judges', () => {
    for (const file of readdirSync(__dirname).filter((name) => !name.endsWith('.test.ts'))) {
      const imports = [...readFileSync(join(__dirname, file), 'utf8').matchAll(/from '([^']+)'/g)].map(([, from]) => from ?? '');
      assert.deepEqual(imports.filter((from) => !from.startsWith('./')), [], file);
    }
  });
});
