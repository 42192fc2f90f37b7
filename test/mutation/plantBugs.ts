/**
 * `npm run mutation:hypervisor [-- WORD…]`: plants known hypervisor bugs one at a time, in a bundle and not in the sources, and runs the
 * random programs of `npm test` until one tells the difference, or the tests that the plant names. With words only the plants whose
 * names have one of them. Says of each what caught it; status 1 when one survives, or no longer fits the source.
 */
import { execFile } from 'node:child_process';
import { bundleTests, testFiles } from '../bundledTests';
import { programsOfNpmTest } from '../hypervisor/equivalence/programsOfNpmTest';
import { runBundled } from '../hypervisor/equivalence/bundledRun';
import { plants, type Plant } from './hypervisorPlants';
import { projectRoot } from '../vscode/harness/projectRoot';
import { plantedSource, planting } from './plantedSource';

/** For the tests of one file with a bug in what they test, in milliseconds. */
const TEST_LIMIT = 4 * 60_000;

/** What caught the bug, or undefined. */
async function caughtBy(plant: Plant): Promise<string | undefined> {
  return plant.test === undefined ? await caughtByPrograms(plant) : await caughtByTests(plant, plant.test);
}

/** A test that comes to no end has noticed too. */
async function caughtByTests(plant: Plant, file: string): Promise<string | undefined> {
  const files = testFiles('').filter((each) => each.endsWith(`/test/${file}`));
  if (files.length !== 1) throw new Error(`there is no test/${file}, which "${plant.name}" names`);
  const bundle = await bundleTests('planted', files, [planting(plant)]);
  const args = ['node_modules/mocha/bin/mocha.js', '--no-config', '--exit', '--bail', '--reporter', 'tap', '--timeout', '120000', bundle];
  return await new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: projectRoot, timeout: TEST_LIMIT, maxBuffer: 1 << 26 }, (error, output) => {
      const first = output.split('\n').find((line) => line.startsWith('not ok'));
      resolve(error === null ? undefined : `${file}: ${first?.replace(/^not ok \d+ /, '') ?? 'it does not end as it should'}`);
    });
  });
}

async function caughtByPrograms(plant: Plant): Promise<string | undefined> {
  const { status, output } = await runBundled([...programsOfNpmTest, '--unshrunk', '--only', plant.under.join(',')], () => undefined, [planting(plant)]);
  if (status === 2) throw new Error(`with "${plant.name}" nothing runs: ${output}`);
  const words = output.split('\n').filter((line) => line !== '' && !line.startsWith('PROGRESS'));
  return status === 0 ? undefined : words.slice(0, 2).join(' ').slice(0, 200);
}

async function main(words: readonly string[]): Promise<number> {
  const chosen = plants.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  if (chosen.length === 0) throw new Error(`no plant's name has ${words.join(' or ')}: ${plants.map(({ name }) => name).join('; ')}`);
  // A program that fails with nothing planted would seem to catch everything.
  const clean = chosen.every(({ test }) => test !== undefined) ? undefined : await runBundled([...programsOfNpmTest, '--unshrunk'], () => undefined);
  if (clean !== undefined && clean.status !== 0) throw new Error(`nothing is planted, and the programs do not agree: ${clean.output}`);
  const bad: string[] = [];
  for (const plant of chosen) {
    const isThere = plantedSource(plant) !== undefined;
    const by = isThere ? await caughtBy(plant) : undefined;
    if (by === undefined) bad.push(plant.name);
    console.log(by === undefined ? `${isThere ? 'SURVIVED' : 'NO SUCH SOURCE'}  ${plant.name} (${plant.file})` : `caught  ${plant.name}: ${by}`);
  }
  console.log(`\n${chosen.length - bad.length} caught, ${bad.length} not`);
  return bad.length === 0 ? 0 : 1;
}

main(process.argv.slice(2)).then((status) => { process.exitCode = status; }, (error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
});
