import { strict as assert } from 'node:assert';
import { EPT4 } from '../../src/hardware/paging/formats/ept4';
import { EPT5 } from '../../src/hardware/paging/formats/ept5';
import { LEGACY32 } from '../../src/hardware/paging/formats/legacy32';
import { LONG4 } from '../../src/hardware/paging/formats/long4';
import { LONG5 } from '../../src/hardware/paging/formats/long5';
import { PAE } from '../../src/hardware/paging/formats/pae';
import { type PagingFormat, rowApplies } from '../../src/hardware/paging/pagingFormat';
import { eptStructures, pagingStructures, type Meaning, type Structure } from './oracle/bitTables';

const formats: readonly (readonly [PagingFormat, readonly Structure[]])[] = [
  [LEGACY32, pagingStructures['32-bit']], [PAE, pagingStructures.PAE], [LONG4, pagingStructures['4-level']],
  [LONG5, pagingStructures['5-level']], [EPT4, eptStructures['EPT, 4 levels']], [EPT5, eptStructures['EPT, 5 levels']],
];
/** The oracle's words and the decoder's. What is ignored or reserved is no field. */
const fieldNames: Partial<Record<Meaning, string>> = {
  'R/W': 'RW', 'U/S': 'US', 'address': 'frame', 'P': 'P', 'PWT': 'PWT', 'PCD': 'PCD', 'A': 'A', 'D': 'D', 'PAT': 'PAT', 'PS': 'PS', 'G': 'G',
  'key': 'key', 'XD': 'XD', 'R': 'R', 'W': 'W', 'X': 'X', 'XU': 'XU', 'memory type': 'memory type', 'IPAT': 'IPAT', 'SVE': 'SVE',
};

describe('the fields that the decoder tells', () => {
  for (const [format, structures] of formats) {
    it(`are those of the manual's tables: ${format.name}, ${format.levels} levels`, () => {
      structures.forEach(({ name, table, page }, depth) => {
        const level = format.levels - depth;
        for (const [use, bits] of [['table', table], ['leaf', page]] as const) {
          if (bits === undefined) continue;
          const expected = bits.flatMap(({ high, low, meaning }) => {
            const field = fieldNames[meaning];
            return field === undefined ? [] : [`${field} ${high}:${low}`];
          });
          const told = format.fields.filter((field) => rowApplies(field, level, use)).map((field) => `${field.name} ${field.bits.join(':')}`);
          assert.deepEqual(told.sort(), expected.sort(), `${name} as a ${use}`);
        }
      });
    });
  }
});
