import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { median } from '../hardware/cpuTime';
import { isMissing } from '../hardware/measurement';
import { runOwn } from '../hardware/ownProcess';
import { goals, type DebuggerGoal } from './goals';

export interface DebuggerSuiteOptions {
  readonly rounds: number;
  /** Names of measurements; empty: all. */
  readonly only: readonly string[];
  readonly json: string | undefined;
}

const LONG = '100000000';
const USUAL = '10000000';

interface Measurement {
  readonly bundle: string;
  readonly args: readonly string[];
  /** At most so many, where one takes long. */
  readonly rounds?: number;
  /** Where percentiles of wall time are wanted the collector's threads run beside the adapter, as they do for a person. */
  readonly cpus?: 'any CPU';
}

/** A process of its own each. */
const measurements: Readonly<Record<string, Measurement>> = {
  'mock-stdio': { bundle: 'sessionCosts', args: ['step', 'mock', 'stdio'] },
  'step-stdio': { bundle: 'sessionCosts', args: ['step', 'ours', 'stdio'] },
  'mock-inline': { bundle: 'sessionCosts', args: ['step', 'mock', 'inline'] },
  'step-inline': { bundle: 'sessionCosts', args: ['step', 'ours', 'inline'] },
  'local': { bundle: 'historyCosts', args: ['local', USUAL] },
  'scattered': { bundle: 'historyCosts', args: ['scattered', USUAL] },
  'back-local': { bundle: 'historyCosts', args: ['local', USUAL, '1'], cpus: 'any CPU' },
  'back-scattered': { bundle: 'historyCosts', args: ['scattered', USUAL, '1'], cpus: 'any CPU' },
  'back-rebuilding': { bundle: 'historyCosts', args: ['rebuilding', '200000', '1'], cpus: 'any CPU' },
  'local-100M': { bundle: 'historyCosts', args: ['local', LONG, '1'], rounds: 1 },
  'scattered-100M': { bundle: 'historyCosts', args: ['scattered', LONG, '1'], rounds: 1 },
  'unarmed': { bundle: 'watchedCosts', args: ['nothing', USUAL] },
  'armed-line': { bundle: 'watchedCosts', args: ['line', USUAL] },
  'armed-event': { bundle: 'watchedCosts', args: ['event', USUAL] },
  'armed-data': { bundle: 'watchedCosts', args: ['data', USUAL] },
  'million': { bundle: 'sessionCosts', args: ['million'], cpus: 'any CPU' },
  'pause': { bundle: 'sessionCosts', args: ['pause'], cpus: 'any CPU' },
};

/** Each round runs every measurement in a fresh process; prints medians over the rounds, and the goals. */
export async function debuggerSuite({ rounds, only, json }: DebuggerSuiteOptions): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pagewalk-bench-'));
  const samples = new Map<string, number[]>();
  const chosen = Object.entries(measurements).filter(([name]) => only.length === 0 || only.includes(name));
  try {
    await bundle(folder);
    for (let round = 1; round <= rounds; round++) {
      for (const [name, { bundle: file, args, cpus, rounds: most = rounds }] of chosen) {
        if (round > most) continue;
        const found = await runOwn(folder, file, args, cpus);
        if (isMissing(found)) throw new Error(found.missing);
        for (const [quantity, value] of Object.entries(found)) samples.set(`${name}.${quantity}`, [...samples.get(`${name}.${quantity}`) ?? [], value]);
      }
      process.stderr.write(`round ${round} of ${rounds} done\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const judged = goals.map((goal) => ({ ...goal, found: foundOf(goal, samples) })).filter(({ found }) => !Number.isNaN(found));
  console.log(`${os.cpus().length} x ${os.cpus()[0]?.model ?? 'unknown processor'}, load ${(os.loadavg()[0] ?? 0).toFixed(1)}, Node ${process.versions.node}`);
  console.log('\nmedian of the rounds [least .. most]; ns a statement where no unit is named\n');
  for (const [name, values] of samples) console.log(`  ${name.padEnd(34)} ${shown(median(values)).padStart(12)}  [${shown(Math.min(...values))} .. ${shown(Math.max(...values))}]`);
  console.log('\ngoals\n');
  for (const { title, found, atMost, unit } of judged) {
    console.log(`  ${title.padEnd(66)} ${shown(found).padStart(8)}  goal ${shown(atMost)}${unit}  ${found <= atMost ? 'met' : 'not met'}`);
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ samples: Object.fromEntries(samples), goals: judged }, undefined, 2)}\n`);
}

async function bundle(folder: string): Promise<void> {
  const entryPoints = {
    historyCosts: path.join(__dirname, 'historyCosts.ts'), watchedCosts: path.join(__dirname, 'watchedCosts.ts'), sessionCosts: path.join(__dirname, 'sessionCosts.ts'),
    mockStdio: path.join(__dirname, 'mockStdio.ts'), stdio: path.join(__dirname, '../../src/adapter/stdio.ts'),
  };
  await build({
    entryPoints, outdir: folder, bundle: true, platform: 'node', target: 'node20', format: 'cjs', mainFields: ['module', 'main'],
    outExtension: { '.js': '.cjs' }, logLevel: 'error',
  });
}

function foundOf({ of, by }: DebuggerGoal, samples: ReadonlyMap<string, readonly number[]>): number {
  const found = median(samples.get(of) ?? []);
  return by === undefined ? found : found / median(samples.get(by) ?? []);
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toPrecision(2);
}
