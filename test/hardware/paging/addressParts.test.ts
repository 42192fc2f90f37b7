import { strict as assert } from 'node:assert';
import { addressParts } from '../../../src/hardware/paging/addressParts';
import { compileFormat } from '../../../src/hardware/paging/compiledFormat';
import { EPT5 } from '../../../src/hardware/paging/formats/ept5';
import { LEGACY32 } from '../../../src/hardware/paging/formats/legacy32';
import { LONG4 } from '../../../src/hardware/paging/formats/long4';
import { PAE } from '../../../src/hardware/paging/formats/pae';
import { UNPAGED } from '../../../src/hardware/paging/formats/unpaged';

const features = { maxphyaddr: 46, noExecute: 'on', executeOnly: 'on' } as const;
/** PML4 1AAH, directory pointer 155H, directory 0FFH, table 100H, offset ABCH. */
const ADDRESS = 0xffff_d555_5ff0_0abcn;

/** SDM Vol. 3, the figures of "Linear-Address Translation", by each format and page size. */
describe('the parts of an address', () => {
  for (const [about, format, level, address, parts] of [
    ['4-level, 4 KBytes', LONG4, 1, ADDRESS, ['PML4 47:39 1aa', 'directory pointer 38:30 155', 'directory 29:21 ff', 'table 20:12 100', 'offset 11:0 abc']],
    ['4-level, 2 MBytes', LONG4, 2, ADDRESS, ['PML4 47:39 1aa', 'directory pointer 38:30 155', 'directory 29:21 ff', 'offset 20:0 100abc']],
    ['4-level, 1 GByte', LONG4, 3, ADDRESS, ['PML4 47:39 1aa', 'directory pointer 38:30 155', 'offset 29:0 1ff00abc']],
    ['PAE, 4 KBytes', PAE, 1, 0xc123_4567n, ['directory pointer 31:30 3', 'directory 29:21 9', 'table 20:12 34', 'offset 11:0 567']],
    ['32-bit, 4 KBytes', LEGACY32, 1, 0xc123_4567n, ['directory 31:22 304', 'table 21:12 234', 'offset 11:0 567']],
    ['32-bit, 4 MBytes', LEGACY32, 2, 0xc123_4567n, ['directory 31:22 304', 'offset 21:0 234567']],
    ['5 levels of EPT', EPT5, 1, 0x8_0012_3456_7890n, ['PML5 56:48 8', 'PML4 47:39 0', 'directory pointer 38:30 48', 'directory 29:21 1a2', 'table 20:12 167', 'offset 11:0 890']],
    ['no paging', UNPAGED, 1, 0x1_c123_4567n, ['physical address 31:0 c1234567']],
  ] as const) {
    it(`of ${about} are its indexes and the offset`, () => {
      const found = addressParts(compileFormat(format, features), address, level);
      assert.deepEqual(found.map(({ name, bits, value }) => `${name} ${bits[0]}:${bits[1]} ${value.toString(16)}`), parts);
    });
  }
});
