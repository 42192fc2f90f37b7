/**
 * StrykerJS runs our tests through this: its own runner for mocha knows older releases of it. Plain JavaScript, because Stryker's worker
 * loads it before anything that understands TypeScript. Tests are loaded once a worker and run again for each mutant.
 */
import { createRequire } from 'node:module';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { determineHitLimitReached, DryRunStatus, TestStatus, toMutantRunResult } from '@stryker-mutator/api/test-runner';

const require = createRequire(join(process.cwd(), 'package.json'));
/** Where Stryker's instrumented code looks for what it is told. */
const state = (globalThis.__stryker__ ??= {});

/** `PAGEWALK_MUTATION_TESTS`: folders and files under test/ that judge the mutants. */
function testFiles() {
  const places = (process.env.PAGEWALK_MUTATION_TESTS ?? 'hardware/paging mutation/quickProduct.spec.ts').split(' ');
  return places.flatMap((place) => {
    const path = resolve('test', place);
    if (path.endsWith('.ts')) return [path];
    return readdirSync(path, { recursive: true }).filter((file) => file.endsWith('.test.ts')).map((file) => join(path, file));
  });
}

/** In the sandbox that the worker runs in. */
const COSTS = 'test-costs.json';
/** How many tests that killed of late are asked first. */
const KILLERS = 12;
/** Tests are asked in rounds, since mocha keeps the order of the files: so many in each, then all that are left. */
const ROUNDS = [6, 24, 96, Infinity];
/** Where Stryker's instrumented code counts what a test comes by: needed once, and then only slow. */
const COUNTING = /\bstryCov_9fa48\("[^)]*"\)/g;

/** All judges and what they import as one file, which runs in half the time; `how`: with Stryker's counting, or without. */
async function bundle(how) {
  const outfile = resolve(`judges-${how}.cjs`);
  if (existsSync(outfile)) return outfile;
  const load = ({ path }) => {
    const text = readFileSync(path, 'utf8').replaceAll('__dirname', JSON.stringify(dirname(path)));
    return { contents: how === 'counting' ? text : text.replace(COUNTING, '0'), loader: 'ts' };
  };
  await require('esbuild').build({
    stdin: { contents: testFiles().map((file) => `import ${JSON.stringify(file)};`).join('\n'), resolveDir: process.cwd() },
    bundle: true, platform: 'node', format: 'cjs', target: 'node20', packages: 'external', outfile, logLevel: 'warning',
    plugins: [{ name: 'sources', setup: (build) => build.onLoad({ filter: /\.ts$/ }, load) }],
  });
  return outfile;
}

/** Of all suites: each has taken its parent's at its making, and asks nobody later. */
function setBail(suite, bail) {
  suite.bail(bail);
  for (const inner of suite.suites) setBail(inner, bail);
}

class PagewalkRunner {
  /** A Mocha by what its bundle has: `counting` or `plain`. */
  #mochas = new Map();
  /**
   * What a test costs by its title: milliseconds times the mutants that it comes by. One that is quick and comes by few is
   * likely to be about them.
   */
  #costs = {};
  /** Tests that killed of late, last one first: mutants next to each other mostly die of the same. */
  #killers = [];

  capabilities() {
    return { reloadEnvironment: false };
  }

  init() {
    if (existsSync(COSTS)) this.#costs = JSON.parse(readFileSync(COSTS, 'utf8'));
  }

  async dryRun({ coverageAnalysis }) {
    const mocha = await this.#load('counting');
    const first = await this.#run(mocha, false, () => true);
    // Mutants share this process: a test that passes once only would seem to kill all that come after.
    const again = await this.#run(mocha, false, () => true);
    const result = first.tests.some(({ status }) => status === TestStatus.Failed) ? first : again;
    if (result.status !== DryRunStatus.Complete || coverageAnalysis === 'off') return result;
    result.mutantCoverage = state.mutantCoverage;
    const { perTest } = state.mutantCoverage;
    this.#costs = Object.fromEntries(result.tests.map(({ name, timeSpentMs }) => [name, (timeSpentMs + 1) * Object.keys(perTest[name] ?? {}).length]));
    // For the worker that takes over when this one hangs.
    writeFileSync(COSTS, JSON.stringify(this.#costs));
    return result;
  }

  /** Those that killed of late first, then the cheap ones: most mutants do not live to see the others. */
  async mutantRun({ activeMutant, testFilter, disableBail, hitLimit, mutantActivation }) {
    state.hitLimit = hitLimit;
    state.hitCount = hitLimit === undefined ? undefined : 0;
    if (mutantActivation === 'static') state.activeMutant = activeMutant.id;
    const mocha = await this.#load('plain');
    state.activeMutant = activeMutant.id;
    const due = (testFilter ?? titlesOf(mocha)).toSorted((a, b) => (this.#costs[a] ?? 0) - (this.#costs[b] ?? 0));
    const rounds = [this.#killers.filter((title) => due.includes(title))];
    const others = due.filter((title) => !rounds[0].includes(title));
    for (const size of ROUNDS) rounds.push(others.splice(0, size));
    let result = { status: DryRunStatus.Complete, tests: [] };
    for (const round of rounds) {
      const titles = new Set(round);
      const now = await this.#run(mocha, !disableBail, (test) => titles.has(test.fullTitle()));
      if (now.status === DryRunStatus.Complete) now.tests.unshift(...result.tests);
      result = now;
      if (now.status !== DryRunStatus.Complete || !disableBail && now.tests.some(({ status }) => status === TestStatus.Failed)) break;
    }
    const killer = result.tests?.find(({ status }) => status === TestStatus.Failed)?.name;
    if (killer !== undefined) this.#killers = [killer, ...this.#killers.filter((name) => name !== killer)].slice(0, KILLERS);
    state.activeMutant = undefined;
    return toMutantRunResult(result, true);
  }

  async #load(how) {
    const known = this.#mochas.get(how);
    if (known !== undefined) return known;
    const { default: Mocha } = await import('mocha');
    const mocha = new Mocha({ reporter: class extends Mocha.reporters.Base {}, timeout: 60_000 });
    mocha.cleanReferencesAfterRun(false);
    mocha.rootHooks({
      beforeEach() {
        state.currentTestId = this.currentTest.fullTitle();
      },
    });
    mocha.addFile(await bundle(how));
    mocha.loadFiles();
    this.#mochas.set(how, mocha);
    return mocha;
  }

  async #run(mocha, bail, isNow) {
    setBail(mocha.suite, bail);
    let isAny = false;
    mocha.suite.eachTest((test) => {
      test.pending = !isNow(test);
      isAny ||= !test.pending;
    });
    if (!isAny) return { status: DryRunStatus.Complete, tests: [] };
    const tests = [];
    await new Promise((done) => {
      const run = mocha.run(() => done());
      const add = (test, status, more = {}) => {
        const name = test.fullTitle();
        tests.push({ id: name, name, timeSpentMs: test.duration ?? 0, status, ...more });
      };
      run.on('pass', (test) => add(test, TestStatus.Success));
      run.on('fail', (test, error) => add(test, TestStatus.Failed, { failureMessage: String(error?.message ?? error) }));
    });
    const timeout = determineHitLimitReached(state.hitCount, state.hitLimit);
    return timeout ?? { status: DryRunStatus.Complete, tests };
  }
}

function titlesOf(mocha) {
  const titles = [];
  mocha.suite.eachTest((test) => titles.push(test.fullTitle()));
  return titles;
}

const factory = () => new PagewalkRunner();
factory.inject = [];
export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'pagewalk', factory)];
