import { strict as assert } from 'node:assert';
import { configure } from '../../src/engine/configuration';
import { Machine } from '../../src/engine/machine';
import { runningTechniques } from '../../src/engine/techniques';
import { compiled } from '../engine/onMachine';

const TEXT = 'machine { paging 4-level, ram 16M }\ncpu 0 { x = cr3 }';

function listingsUnder(mmu: string): Machine['listings'] {
  const program = compiled(TEXT);
  const configuration = configure(program, mmu);
  if ('error' in configuration) assert.fail(configuration.error);
  return new Machine(program, configuration).listings;
}

describe('the text of a listing', () => {
  for (const { name } of runningTechniques.filter(({ ownsMachine }) => !ownsMachine)) {
    it(`${name}: is laid out once, however many machines run it, so that what runs thousands does not keep each one's`, () => {
      const one = listingsUnder(name);
      const other = listingsUnder(name);
      assert.ok(one.length > 0);
      assert.deepEqual(one.filter((listing, i) => listing.lines !== other[i]!.lines).map((listing) => listing.name), []);
    });
  }
});
