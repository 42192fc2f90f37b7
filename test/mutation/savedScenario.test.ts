import { strict as assert } from 'node:assert';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { run } from '../../src/engine/run/run';
import { compiled } from '../engine/onMachine';
import { runBundled } from '../hypervisor/equivalence/bundledRun';
import { programsOfNpmTest } from '../hypervisor/equivalence/programsOfNpmTest';
import { projectRoot } from '../vscode/harness/projectRoot';
import { plants } from './hypervisorPlants';
import { planting } from './plantedSource';

describe('a random program that fails', () => {
  it('is shrunk and saved as a scenario that fails with the bug, under the technique that has it, and holds without', async () => {
    const plant = plants.find(({ name }) => name === 'INVLPG that syncs nothing of the current root');
    assert.ok(plant);
    const found = await runBundled([...programsOfNpmTest, '--only', plant.under.join(',')], () => undefined, [planting(plant)]);
    assert.equal(found.status, 1);
    const [, saved] = /^It is saved as (.*)\.$/m.exec(found.output) ?? [];
    assert.ok(saved);
    const file = path.join(projectRoot, saved);
    const text = fs.readFileSync(file, 'utf8');
    const [, mmu] = /^\/\/ {3}(shadow-unsync\S*):$/m.exec(text) ?? [];
    assert.ok(mmu);
    const broken = await runBundled(['run', file, '--mmu', mmu], () => undefined, [planting(plant)], 'src/cli/main.ts');
    assert.equal(broken.status, 1, broken.output);
    for (const each of ['native', mmu]) {
      const report = run(compiled(text), each);
      assert.ok(!('error' in report) && report.outcome.ok, each);
    }
    fs.rmSync(file);
  }).timeout(240_000);
});
