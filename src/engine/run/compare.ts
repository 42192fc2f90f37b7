import type { Program } from '../../language/program';
import { configure, refusalText, type ConfigurationError } from '../settings/configuration';
import type { CostModel } from '../costs/costModel';
import { ScenarioRun, type RunReport } from './run';
import { runningTechniques, techniqueNames } from '../settings/techniques';

/** Values that a global takes in turn, each before boot. */
export interface Sweep {
  readonly global: string;
  readonly values: readonly bigint[];
}

export interface CompareOptions {
  /** As after `--mmu`, in the order of the columns; left out: every technique there is. */
  readonly techniques?: readonly string[];
  readonly sweep?: Sweep;
  /** In place of the platform's. */
  readonly costs?: CostModel;
}

/** What one run under one technique came to. */
export interface TechniqueResult extends RunReport {
  /** As it was asked for: `shadow-wp:update=zap`. `technique` is its name alone. */
  readonly mmu: string;
}

export interface ComparedPoint {
  /** The swept global's value; absent without a sweep. */
  readonly value?: bigint;
  readonly results: readonly TechniqueResult[];
}

export interface Comparison {
  readonly points: readonly ComparedPoint[];
  /** Techniques that the scenario cannot run under, each with a sentence why. */
  readonly unfit: readonly { readonly mmu: string; readonly why: string }[];
  /** False when it was broken off: the runs so far are there, the last one as it stood. */
  readonly isOver: boolean;
}

/** How far a comparison is. */
export interface CompareProgress {
  readonly runs: number;
  readonly runsInAll: number;
  /** Statements over all runs so far. */
  readonly statements: number;
  /** Share of the whole that is done, 0 to 1, runs taken as equally long. */
  readonly share: number;
  /** What runs now: `ept, n = 64`. */
  readonly now: string;
}

/** Runs a program under each technique; never fails for one that does not fit, but says why. */
export function compareTechniques(program: Program, options: CompareOptions = {}): Comparison | ConfigurationError {
  const started = startComparison(program, options);
  if ('error' in started) return started;
  started.work(() => false);
  return started.comparison();
}

/** The same, to be worked off in slices; a sentence when there is nothing to sweep. */
export function startComparison(program: Program, options: CompareOptions = {}): ComparisonRun | ConfigurationError {
  const { sweep } = options;
  if (sweep !== undefined && globalIndex(program, sweep.global) < 0) {
    return { error: `the scenario has no global ${sweep.global} to sweep; declare it with \`global ${sweep.global} = …\`` };
  }
  return new ComparisonRun(program, options);
}

interface PlannedRun {
  readonly mmu: string;
  readonly value: bigint | undefined;
}

/** Runs of one program under several techniques, one after the other. */
export class ComparisonRun {
  private readonly plan: readonly PlannedRun[];
  private readonly unfit: { readonly mmu: string; readonly why: string }[] = [];
  private readonly done: { readonly value: bigint | undefined; readonly result: TechniqueResult }[] = [];
  private current: ScenarioRun | undefined;
  private statementsDone = 0;

  constructor(private readonly program: Program, private readonly options: CompareOptions) {
    const asked = options.techniques ?? techniqueNames;
    const fitting = asked.filter((mmu) => this.fits(mmu));
    const values = options.sweep?.values ?? [undefined];
    this.plan = values.flatMap((value) => fitting.map((mmu) => ({ mmu, value })));
  }

  /** Runs on until `expired` says so; true when every run is over. */
  work(expired: () => boolean): boolean {
    for (let next = this.plan[this.done.length]; next !== undefined; next = this.plan[this.done.length]) {
      this.current ??= this.start(next);
      if (!this.current.work(expired)) return false;
      this.finish(this.current, next);
      if (expired()) return this.done.length === this.plan.length;
    }
    return true;
  }

  progress(): CompareProgress {
    const now = this.plan[Math.min(this.done.length, this.plan.length - 1)];
    const { sweep } = this.options;
    return {
      runs: this.done.length,
      runsInAll: this.plan.length,
      share: this.plan.length === 0 ? 1 : (this.done.length + (this.current?.share() ?? 0)) / this.plan.length,
      statements: this.statementsDone + (this.current?.statements ?? 0),
      now: now === undefined ? '' : now.value === undefined ? now.mmu : `${now.mmu}, ${sweep?.global ?? ''} = ${now.value}`,
    };
  }

  /** The results so far. A run under way is over with this: its counts are as they stand. */
  comparison(): Comparison {
    const under = this.plan[this.done.length];
    if (this.current !== undefined && under !== undefined) this.finish(this.current, under);
    const values = this.options.sweep?.values ?? [undefined];
    const points = values.flatMap((value) => {
      const results = this.done.filter((run) => run.value === value).map(({ result }) => result);
      return results.length === 0 && value !== undefined ? [] : [{ ...(value === undefined ? {} : { value }), results }];
    });
    const isOver = this.done.length === this.plan.length && this.done.every(({ result }) => result.isOver);
    return { points, unfit: this.unfit, isOver };
  }

  private fits(mmu: string): boolean {
    const isBuilt = runningTechniques.some(({ name }) => name === mmu);
    const configuration = configure(this.program, mmu);
    if (!('error' in configuration)) return true;
    const isNameAlone = (techniqueNames as readonly string[]).includes(mmu);
    this.unfit.push({ mmu, why: isNameAlone && !isBuilt ? 'does not run yet' : refusalText(configuration) });
    return false;
  }

  private start({ mmu, value }: PlannedRun): ScenarioRun {
    const { sweep, costs } = this.options;
    const program = sweep === undefined || value === undefined ? this.program : withGlobal(this.program, sweep.global, value);
    const configuration = configure(program, mmu);
    if ('error' in configuration) throw new Error(`invariant: ${mmu} fitted before a global was set`);
    return new ScenarioRun(program, configuration, { tries: 'counted', ...(costs === undefined ? {} : { costs }) });
  }

  private finish(run: ScenarioRun, { mmu, value }: PlannedRun): void {
    this.statementsDone += run.statements;
    this.done.push({ value, result: { mmu, ...run.report() } });
    this.current = undefined;
  }
}

/** The last of that name is the scenario's own: the library's come first. */
function globalIndex(program: Program, name: string): number {
  return program.globals.map((global) => global.name).lastIndexOf(name);
}

/** The program with another first value of a global; 64 bits, as all values. */
function withGlobal(program: Program, name: string, value: bigint): Program {
  const index = globalIndex(program, name);
  const globals = program.globals.map((global, i) => (i === index ? { ...global, value: BigInt.asUintN(64, value) } : global));
  return { ...program, globals };
}
