/**
 * StrykerJS runs our tests through this: its own runner for mocha knows older releases of it. Plain JavaScript, because Stryker's worker
 * loads it before anything that understands TypeScript. Tests are loaded once a worker and run again for each mutant.
 */
import { createRequire } from 'node:module';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
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

/** How many tests that killed of late are asked first. */
const KILLERS = 16;

/** Of all suites: each has taken its parent's at its making, and asks nobody later. */
function setBail(suite, bail) {
  suite.bail(bail);
  for (const inner of suite.suites) setBail(inner, bail);
}

class PagewalkRunner {
  #mocha;
  /** Milliseconds that a test took when it passed first, here in this worker. */
  #durations = new Map();

  capabilities() {
    return { reloadEnvironment: false };
  }

  async init() {
    require('tsx/cjs');
    const { default: Mocha } = await import('mocha');
    this.#mocha = new Mocha({ reporter: class extends Mocha.reporters.Base {}, timeout: 60_000 });
    this.#mocha.cleanReferencesAfterRun(false);
    for (const file of testFiles()) this.#mocha.addFile(file);
    this.#mocha.rootHooks({
      beforeEach() {
        state.currentTestId = this.currentTest.fullTitle();
      },
    });
  }

  async dryRun({ coverageAnalysis }) {
    const first = await this.#run(false, () => true);
    // Mutants share this process: a test that passes once only would seem to kill all that come after.
    const again = await this.#run(false, () => true);
    const result = first.tests.some(({ status }) => status === TestStatus.Failed) ? first : again;
    if (result.status === DryRunStatus.Complete && coverageAnalysis !== 'off') result.mutantCoverage = state.mutantCoverage;
    return result;
  }

  /** Tests that killed of late, last one first: mutants next to each other mostly die of the same. */
  #killers = [];

  /** Those that killed of late first, then quick tests: most mutants do not live to see the others. */
  async mutantRun({ activeMutant, testFilter, disableBail, hitLimit, mutantActivation }) {
    state.hitLimit = hitLimit;
    state.hitCount = hitLimit === undefined ? undefined : 0;
    if (mutantActivation === 'static') state.activeMutant = activeMutant.id;
    this.#load();
    state.activeMutant = activeMutant.id;
    const filter = testFilter === undefined ? undefined : new Set(testFilter);
    const isWanted = (test) => filter === undefined || filter.has(test.fullTitle());
    const isKiller = (test) => this.#killers.includes(test.fullTitle());
    const takes = (least, most) => (test) => {
      const duration = this.#durations.get(test.fullTitle()) ?? 0;
      return duration >= least && duration < most && !isKiller(test);
    };
    let result;
    for (const isDue of [isKiller, takes(0, 5), takes(5, 50), takes(50, 500), takes(500, Infinity)]) {
      const now = await this.#run(!disableBail, (test) => isWanted(test) && isDue(test));
      if (result?.status === DryRunStatus.Complete && now.status === DryRunStatus.Complete) now.tests.unshift(...result.tests);
      result = now;
      if (now.status !== DryRunStatus.Complete || !disableBail && now.tests.some(({ status }) => status === TestStatus.Failed)) break;
    }
    const killer = result.tests?.find(({ status }) => status === TestStatus.Failed)?.name;
    if (killer !== undefined) this.#killers = [killer, ...this.#killers.filter((name) => name !== killer)].slice(0, KILLERS);
    state.activeMutant = undefined;
    return toMutantRunResult(result, true);
  }

  #loaded = false;
  #load() {
    if (!this.#loaded) this.#mocha.loadFiles();
    this.#loaded = true;
  }

  async #run(bail, isNow) {
    this.#load();
    setBail(this.#mocha.suite, bail);
    let isAny = false;
    this.#mocha.suite.eachTest((test) => {
      test.pending = !isNow(test);
      isAny ||= !test.pending;
    });
    if (!isAny) return { status: DryRunStatus.Complete, tests: [] };
    const tests = [];
    await new Promise((done) => {
      const run = this.#mocha.run(() => done());
      const add = (test, status, more = {}) => {
        const name = test.fullTitle();
        tests.push({ id: name, name, timeSpentMs: test.duration ?? 0, status, ...more });
      };
      run.on('pass', (test) => {
        if (!this.#durations.has(test.fullTitle())) this.#durations.set(test.fullTitle(), test.duration ?? 0);
        add(test, TestStatus.Success);
      });
      run.on('fail', (test, error) => add(test, TestStatus.Failed, { failureMessage: String(error?.message ?? error) }));
    });
    const timeout = determineHitLimitReached(state.hitCount, state.hitLimit);
    return timeout ?? { status: DryRunStatus.Complete, tests };
  }
}

const factory = () => new PagewalkRunner();
factory.inject = [];
export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'pagewalk', factory)];
