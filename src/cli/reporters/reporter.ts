import type { RunReport } from '../../engine/run/run';

/** What became of one expectation of a scenario. */
export interface ExpectationResult {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** `expect under ept: no exits` */
  readonly text: string;
  /** `elsewhere`: it is about other techniques; `never`: no CPU came to it. */
  readonly verdict: 'held' | 'failed' | 'elsewhere' | 'never';
  /** How often it was judged: in a loop more than once. */
  readonly times: number;
  /** Of a failed one, the first time: what was found instead. */
  readonly found?: string;
}

/** One scenario, run or not. */
export interface ScenarioResult {
  readonly file: string;
  /** `unusable`: it does not compile, or the technique does not fit; `interrupted`: stopped by Ctrl-C. */
  readonly status: 'ok' | 'failed' | 'unusable' | 'interrupted';
  readonly expectations: readonly ExpectationResult[];
  /** Absent when it did not run. */
  readonly report?: RunReport;
  /** Why it did not run, or of what the guest died: lines `FILE:LINE:COL: …`. */
  readonly problems: readonly string[];
  /** What the scenario printed, a line each. */
  readonly printed: readonly string[];
  readonly milliseconds: number;
}

/** Writes down results as they come, for one kind of reader. */
export interface Reporter {
  /** Where the scenario's own `print` goes: beside the report, onto standard error, or into it. */
  readonly prints: 'out' | 'error' | 'kept';
  /** Whether failures and problems are said on standard error as they happen, since the report does not tell them. */
  readonly failures: 'said' | 'kept';
  scenario(result: ScenarioResult): void;
  end(): void;
}
