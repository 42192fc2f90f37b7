import { strict as assert } from 'node:assert';
import * as esbuild from 'esbuild';
import { runningTechniques } from '../../src/engine/settings/techniques';
import { plants } from './hypervisorPlants';
import { plantedSource } from './plantedSource';

// Whether each is caught is what `npm run mutation:hypervisor` shows.
describe('bugs that npm run mutation:hypervisor plants', () => {
  it('are at least 20, each once', () => {
    assert.ok(plants.length >= 20);
    assert.equal(new Set(plants.map(({ name }) => name)).size, plants.length);
  });

  it('have their places in the source as it is, and leave a source behind', () => {
    for (const plant of plants) {
      const source = plantedSource(plant);
      if (source === undefined) assert.fail(`${plant.name}: what it replaces is not in src/hypervisor/${plant.file} just once`);
      assert.doesNotThrow(() => esbuild.transformSync(source, { loader: 'ts' }), plant.name);
    }
  });

  it('are in techniques that there are, of every kind', () => {
    const names = runningTechniques.map(({ name }) => name);
    const under = new Set(plants.flatMap((plant) => plant.under));
    assert.deepEqual([...under].filter((name) => !names.includes(name)), []);
    for (const name of ['shadow-wp', 'shadow-unsync', 'ept', 'npt']) assert.ok(under.has(name), name);
  });
});
