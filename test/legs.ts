import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { bundleTests, testFiles } from './bundledTests';
import { programsOfNpmTest } from './hypervisor/equivalence/programsOfNpmTest';
import { TALLY_FILE, readTally } from './tally';
import type { Tally } from './tally';
import { projectRoot } from './vscode/harness/projectRoot';

/** Takes what a leg prints. */
export type Print = (chunk: Buffer | string) => void;

/** One part of the test run. It never throws for a failed test. */
export interface Leg {
  readonly name: string;
  readonly title: string;
  /** `alone`: before all others, which use what it makes. `window`: not beside another one, as both open windows of VS Code. */
  readonly beside: 'alone' | 'any' | 'window';
  /** @throws Error of one sentence when the leg cannot run at all. */
  run(print: Print): Promise<Tally>;
}

/** Longer than any healthy leg on two cores: what stands still for this long will not move again. */
const LEG_LIMIT = 10 * 60_000;

/** For one test, in milliseconds; as in `.mocharc.json`. */
const USUAL_TIMEOUT = 20_000;

const ownLeg = ['conformance', 'exhaustive', 'adapter', 'panel', 'vscode', 'hypervisor', 'language'];

/** In the order in which they begin: as two or more run side by side, the dear ones come first and the cheap ones fill the end. */
export const legs: readonly Leg[] = [
  { ...command('build', 'build of everything that ships', [['esbuild.js']]), beside: 'alone' },
  { ...mocha('vscode-ui', 'journeys through the VS Code window', ['test/vscode/ui/**/*.test.ts'], ['--timeout', '180000']), beside: 'window' },
  command('equivalence', 'random guests under every technique', [
    ['--require', 'tsx/cjs', 'test/hypervisor/equivalence/runMain.ts', ...programsOfNpmTest],
  ]),
  bundled('hypervisor', 'hypervisors', testFiles('hypervisor')),
  bundled('unit', 'unit tests', testFiles('', ownLeg)),
  bundled('language', 'the guest language', testFiles('language')),
  bundled('exhaustive', 'every combination of flags, against the manuals\' prose', testFiles('exhaustive'), 300_000),
  bundled('conformance', 'conformance vectors', testFiles('conformance'), 300_000),
  mocha('panel', 'Page Walk panel in Chromium', ['test/panel/**/*.test.ts'], ['--timeout', '60000']),
  {
    name: 'vscode-suite',
    title: "mocha suite in VS Code's extension host",
    beside: 'window',
    run: (print) => withTallyFile(async (file) => (
      { ended: await runNode(['--require', 'tsx/cjs', 'test/vscode/hostSuiteMain.ts'], { [TALLY_FILE]: file }, print), file }
    )),
  },
  command('browser', 'hardware to inspect without Node and DOM', [
    ['esbuild.js', '--browser-check'],
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.portable.json'],
  ]),
  bundled('adapter', 'debug adapter', testFiles('adapter')),
];

/** A leg of Node programs, each of which passes with status 0. */
function command(name: string, title: string, programs: readonly (readonly string[])[]): Leg {
  return {
    name,
    title,
    beside: 'any',
    run: async (print) => {
      let failed = 0;
      for (const args of programs) if ((await runNode(args, {}, print)) !== 0) failed++;
      return { passed: programs.length - failed, failed };
    },
  };
}

function mocha(name: string, title: string, files: readonly string[], options: readonly string[]): Leg {
  return {
    name,
    title,
    beside: 'any',
    run: (print) => runMocha([], [...options, ...files], print),
  };
}

/** A leg of tests that run as one bundle, which `.mocharc.json` is not for. */
function bundled(name: string, title: string, files: readonly string[], timeout = USUAL_TIMEOUT): Leg {
  return {
    name,
    title,
    beside: 'any',
    run: async (print) => {
      const bundle = await bundleTests(name, files);
      return await runMocha(['--enable-source-maps'], ['--no-config', '--forbid-only', '--forbid-pending', '--timeout', String(timeout), bundle], print);
    },
  };
}

function runMocha(nodeOptions: readonly string[], args: readonly string[], print: Print): Promise<Tally> {
  const all = [...nodeOptions, 'node_modules/mocha/bin/mocha.js', '--exit', '--reporter', './test/tallyReporter.cjs', ...args];
  return withTallyFile(async (file) => ({ ended: await runNode(all, { [TALLY_FILE]: file }, print), file }));
}

/** Runs mocha in some process and judges by the tally it leaves, which must agree with the process's own end. */
async function withTallyFile(run: (file: string) => Promise<{ ended: number; file: string }>): Promise<Tally> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-tally-'));
  try {
    const { ended, file } = await run(path.join(folder, 'tally.json'));
    const tally = readTally(file);
    if (tally === undefined)
      throw new Error(`mocha ended with status ${String(ended)} before it had run its tests.`);
    if (tally.passed + tally.failed === 0) throw new Error('there is not one test in it.');
    if (ended !== 0 && tally.failed === 0) return { ...tally, failed: 1 };
    return tally;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a Node program from the checkout's root with its output passed on; resolves with its status. */
async function runNode(args: readonly string[], env: Readonly<Record<string, string>>, print: Print): Promise<number> {
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: projectRoot,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', print);
    child.stderr.on('data', print);
    const limit = setTimeout(() => {
      print(`${args.join(' ')} did not end within ${String(LEG_LIMIT / 60_000)} minutes and is ended.\n`);
      child.kill('SIGKILL');
    }, LEG_LIMIT);
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(limit);
      resolve(status ?? 1);
    });
  });
}
