import * as fs from 'node:fs';

/** What a leg of the test run came to. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** Names the file into which mocha, in whatever process it runs, writes its tally. */
export const TALLY_FILE = 'PAGEWALK_TALLY';

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce((all, one) => ({ passed: all.passed + one.passed, failed: all.failed + one.failed }), {
    passed: 0,
    failed: 0,
  });
}

/** The tally in `file`, or undefined when mocha did not live to write one. */
export function readTally(file: string): Tally | undefined {
  if (!fs.existsSync(file)) return undefined;
  const read: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
  if (typeof read !== 'object' || read === null || !('passed' in read) || !('failed' in read)) return undefined;
  return { passed: Number(read.passed), failed: Number(read.failed) };
}
