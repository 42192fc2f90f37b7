import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { bochsPeer } from './bochsPeer';
import { bundleOwnProcesses } from './bundles';
import { median } from './cpuTime';
import { twinMeasurements } from './cTwin';
import { goals } from './goals';
import { isMissing, type Measurement } from './measurement';
import { ownMeasurements, type OwnMeasurement } from './ours';
import { runOwn } from './ownProcess';
import { peerMeasurements } from './peers';
import { judge, type Judged, printGoals, printTimes } from './table';

export interface SuiteOptions {
  readonly rounds: number;
  /** Names of measurements, or beginnings of them; empty: all. */
  readonly only: readonly string[];
  /** Where to write the numbers as JSON. */
  readonly json: string | undefined;
}

/** Every number of a measurement's times, one a round. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** What was measured: samples by `MEASUREMENT.TIME`, and why there are none of a measurement. */
export interface Results {
  readonly samples: Map<string, number[]>;
  readonly missing: Map<string, string>;
}

/** Runs the rounds, each measurement once a round and in a fresh process, and prints the tables. */
export async function hardwareSuite(options: SuiteOptions): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pagewalk-bench-'));
  try {
    await bundleOwnProcesses(folder);
    const all = [...ownOnes(folder), ...twinMeasurements(folder), ...peerMeasurements(folder)];
    const chosen = all.filter(({ name }) => name === 'empty' || options.only.length === 0 || options.only.includes(name));
    const results: Results = { samples: new Map(), missing: new Map() };
    for (let round = 1; round <= options.rounds; round++) {
      for (const measurement of chosen) {
        if (!results.missing.has(measurement.name)) await measure(measurement, results);
      }
      process.stderr.write(`round ${round} of ${options.rounds} done\n`);
    }
    addNetTimes(results);
    const judged = goals.map((goal) => judge(goal, results));
    console.log(`${machine()}\n`);
    console.log(printTimes(chosen, results));
    console.log(printGoals(judged));
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(asJson(results, judged), undefined, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ownOnes(folder: string): readonly Measurement[] {
  const measurements = Object.entries<OwnMeasurement>(ownMeasurements).map(([name, { title }]) => (
    { name, title, run: () => runOwn(folder, 'ownMeasure', [name]) }));
  return [...measurements, {
    name: 'miss-without-events', title: `${ownMeasurements.miss.title}, built without events`,
    run: () => runOwn(folder, 'ownMeasureWithoutEvents', ['miss']),
  }];
}

async function measure({ name, run }: Measurement, { samples, missing }: Results): Promise<void> {
  const times = await run();
  if (isMissing(times)) {
    missing.set(name, times.missing);
    return;
  }
  for (const [time, ns] of Object.entries(times)) {
    const key = `${name}.${time}`;
    samples.set(key, [...samples.get(key) ?? [], ns]);
  }
}

/** `NAME.net`: an iteration of ours or of the C twin's, less the empty loop's of the same round. */
function addNetTimes({ samples }: Results): void {
  const empty = samples.get('empty.iteration') ?? [];
  for (const [key, values] of [...samples]) {
    const name = key.slice(0, -'.iteration'.length);
    if (!key.endsWith('.iteration') || name === 'empty' || samples.has(`${name}.miss`)) continue;
    samples.set(`${name}.net`, values.map((ns, round) => ns - (empty[round] ?? median(empty))));
  }
}

/** The machine as a line: what numbers of two machines must not be compared without. */
function machine(): string {
  const cpu = os.cpus()[0]?.model ?? 'unknown processor';
  const version = (command: string, args: readonly string[]): string | undefined => {
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    return status === 0 ? /\d+\.\d+(\.\d+)?/.exec(`${stdout}${stderr}`)?.[0] : undefined;
  };
  const tools = [
    ['Node', process.versions.node], ['V8', process.versions.v8], ['gcc', version('gcc', ['-dumpfullversion'])],
    ['Bochs', version(bochsPeer().command, ['--help', 'cpu'])], ['QEMU', version('qemu-system-x86_64', ['--version'])],
  ].filter(([, number]) => number !== undefined).map(([name, number]) => `${name} ${number}`);
  return `${os.cpus().length} x ${cpu}, ${os.type()} ${os.release()}, load ${os.loadavg()[0]!.toFixed(1)}; ${tools.join(', ')}`;
}

function asJson({ samples, missing }: Results, judged: readonly Judged[]): object {
  return { machine: machine(), samples: Object.fromEntries(samples), missing: Object.fromEntries(missing), goals: judged };
}
