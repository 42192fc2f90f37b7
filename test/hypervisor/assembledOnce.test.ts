import { strict as assert } from 'node:assert';
import { runningTechniques } from '../../src/engine/settings/techniques';
import { compiled } from '../engine/onMachine';
import { machineFor } from './audit';

const GUEST = 'machine { paging 4-level, ram 16M }\ncpu 0 { x = 1 }\n';

// Programs by the thousand are run on a machine each: a procedure made anew for each would have its listing laid out, and kept, for each.
describe('listings are laid out once for all machines', () => {
  for (const { name } of runningTechniques) {
    it(`under ${name}`, () => {
      const program = compiled(GUEST);
      const [one, other] = [machineFor(program, name), machineFor(program, name)].map(({ technique }) => technique.listings.map(({ listing }) => listing.lines));
      assert.deepEqual(one!.map((lines, i) => lines === other![i]), one!.map(() => true));
    });
  }
});
