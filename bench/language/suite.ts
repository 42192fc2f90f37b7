import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { median } from '../hardware/cpuTime';

export interface LanguageSuiteOptions {
  readonly rounds: number;
  readonly json: string | undefined;
}

/** What is measured, by the name that its process gives it. */
const titles: Readonly<Record<string, string>> = {
  statement: 'a statement of the 40-statement body, ns', twin: 'the same as JavaScript (new Function), ns', walk: 'the same by walking its tree, ns',
  parse: 'parsing a line of 10,000, ns', 'langium-parse': "parsing a line of Langium's arithmetics, ns",
  'parse-token': 'parsing a token of 10,000 lines, ns', 'langium-parse-token': "parsing a token of Langium's arithmetics, ns",
  'diagnostics-ms': 'diagnostics of 10,000 lines, ms', 'broken-ms': 'diagnostics of 5,000 lines with a mistake each, ms',
  'completion-ms': 'a completion at 1,000 lines, with reading them, ms',
  'completion-last-good-ms': 'a completion at 10,000 lines, from the last good tree, ms',
};

interface LanguageGoal {
  readonly title: string;
  readonly of: string;
  /** Divided by this; left out: a time in milliseconds. */
  readonly by?: string;
  readonly atMost: number;
}

const goals: readonly LanguageGoal[] = [
  { title: 'statement / new Function twin', of: 'statement', by: 'twin', atMost: 3 },
  { title: 'statement / tree walk', of: 'statement', by: 'walk', atMost: 1 / 3 },
  { title: "parsing a line / Langium's arithmetics", of: 'parse', by: 'langium-parse', atMost: 1 },
  { title: 'diagnostics of 10,000 lines, ms', of: 'diagnostics-ms', atMost: 1000 },
  { title: 'diagnostics of 5,000 broken lines, ms', of: 'broken-ms', atMost: 1000 },
  { title: 'completion at 1,000 lines, ms', of: 'completion-ms', atMost: 100 },
  { title: 'completion at 10,000 lines, ms', of: 'completion-last-good-ms', atMost: 100 },
];

/** Runs both processes afresh in each round, and prints medians and goals. */
export async function languageSuite({ rounds, json }: LanguageSuiteOptions): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pagewalk-bench-'));
  const samples = new Map<string, number[]>();
  try {
    await build({
      entryPoints: ['statementCosts', 'textCosts'].map((name) => path.join(__dirname, `${name}.ts`)), outdir: folder,
      bundle: true, platform: 'node', target: 'node20', format: 'cjs', outExtension: { '.js': '.cjs' }, logLevel: 'error',
    });
    const grammar = path.join(__dirname, '../../node_modules/langium-arithmetics-dsl/src/language-server/arithmetics.langium');
    for (let round = 1; round <= rounds; round++) {
      for (const name of ['statementCosts', 'textCosts']) {
        for (const [key, value] of Object.entries(measure(path.join(folder, `${name}.cjs`), grammar))) samples.set(key, [...samples.get(key) ?? [], value]);
      }
      process.stderr.write(`round ${round} of ${rounds} done\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const judged = goals.map((goal) => ({ ...goal, found: ratioOf(goal, samples) }));
  console.log(`${os.cpus().length} x ${os.cpus()[0]?.model ?? 'unknown processor'}, load ${(os.loadavg()[0] ?? 0).toFixed(1)}, Node ${process.versions.node}`);
  console.log('\nCPU time, median of the rounds [least .. most]\n');
  for (const [key, values] of samples) console.log(`  ${(titles[key] ?? key).padEnd(62)} ${median(values).toFixed(1).padStart(9)}  ${range(values)}`);
  console.log('\ngoals\n');
  for (const { title, found, atMost } of judged) {
    console.log(`  ${title.padEnd(62)} ${found.toFixed(2).padStart(9)}  goal ${atMost.toFixed(2)}  ${found <= atMost ? 'met' : 'not met'}`);
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ samples: Object.fromEntries(samples), goals: judged }, undefined, 2)}\n`);
}

function measure(file: string, grammar: string): Readonly<Record<string, number>> {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, grammar], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${path.basename(file)} ended with status ${status}: ${stderr}`);
  return JSON.parse(stdout) as Readonly<Record<string, number>>;
}

function ratioOf({ of, by }: LanguageGoal, samples: ReadonlyMap<string, readonly number[]>): number {
  const found = median(samples.get(of) ?? []);
  return by === undefined ? found : found / median(samples.get(by) ?? []);
}

function range(values: readonly number[]): string {
  return `[${Math.min(...values).toFixed(1)} .. ${Math.max(...values).toFixed(1)}]`;
}
