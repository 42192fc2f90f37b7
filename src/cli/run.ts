import type { OutputLine } from '../engine/debuggee';
import { startRun, type RunOptions as EngineOptions, type ScenarioRun } from '../engine/run/run';
import type { Program } from '../language/program';
import { paintFor } from './colours';
import type { RunOptions } from './commandLine';
import { compileFile, diagnosticLine, placeOfRefusal } from './compileFile';
import { EXIT, type Console, type LineWriter } from './console';
import { ExpectationResults } from './expectationResults';
import { workOff } from './progress';
import { JsonReporter } from './reporters/jsonReporter';
import type { Reporter, ScenarioResult } from './reporters/reporter';
import { SpecReporter } from './reporters/specReporter';
import { SummaryReporter } from './reporters/summaryReporter';
import { TapReporter } from './reporters/tapReporter';
import { scenarioFiles } from './scenarioFiles';

const STATUSES = { ok: EXIT.ok, failed: EXIT.failed, unusable: EXIT.unusable, interrupted: EXIT.interrupted } as const;

/**
 * Runs scenarios to their end, one after the other; a folder stands for those in it. The status is that of the worst: 0 all
 * well, 1 an expectation failed or a guest died, 2 one could not be run, 130 stopped by Ctrl-C.
 */
export async function runScenarios(names: readonly string[], options: RunOptions, console: Console): Promise<number> {
  const files = scenarioFiles(names, console);
  if ('error' in files) {
    console.error(`pagewalk: ${files.error}.\n`);
    return EXIT.unusable;
  }
  for (const [flag, path] of [['--trace', options.trace], ['--guest-log', options.guestLog]] as const) {
    if (path !== undefined && files.length > 1) {
      console.error(`pagewalk: ${flag} writes the events of one scenario: name one file, not ${files.length}.\n`);
      return EXIT.unusable;
    }
  }
  const reporter = await reporterFor(options, console);
  let worst: number = EXIT.ok;
  for (const [index, file] of files.entries()) {
    const result = await new ScenarioCommand(file, options, reporter, console).run({ index, of: files.length });
    reporter.scenario(result);
    worst = Math.max(worst, STATUSES[result.status]);
    if (result.status === 'interrupted') break;
  }
  reporter.end();
  return worst;
}

/** The library that writes XML is loaded for JUnit's alone. */
async function reporterFor({ json, reporter }: RunOptions, console: Console): Promise<Reporter> {
  const write = (text: string): void => { console.out(text); };
  if (json === true) return new JsonReporter(write);
  if (reporter === 'spec') return new SpecReporter(write, paintFor(console.terminal));
  if (reporter === 'tap') return new TapReporter(write);
  if (reporter === 'junit') return new (await console.late.junit()).JunitReporter(write);
  return new SummaryReporter(write);
}

/** Which of the files it is. */
interface Place {
  readonly index: number;
  readonly of: number;
}

/** One file's way from its text to its result. */
class ScenarioCommand {
  private readonly problems: string[] = [];
  private readonly printed: string[] = [];
  private readonly started: number;

  constructor(
    private readonly file: string,
    private readonly options: RunOptions,
    private readonly reporter: Reporter,
    private readonly console: Console,
  ) {
    this.started = console.now();
  }

  async run(place: Place): Promise<ScenarioResult> {
    const program = this.compile();
    if (program === undefined) return this.result('unusable');
    const trace = this.open(this.options.trace);
    const guestLog = this.open(this.options.guestLog);
    if (trace === 'refused' || guestLog === 'refused') return this.result('unusable');

    const expectations = new ExpectationResults(program);
    const started = startRun(program, this.options.mmu, this.engineOptions(program, expectations, trace, guestLog));
    if ('error' in started) {
      this.problem(`${placeOfRefusal(program, this.file, this.options.mmu, started.range)}: ${started.error}`);
      return this.result('unusable');
    }
    const ended = await workOff({ work: (expired) => started.work(expired), progress: () => this.progress(started, place) }, this.console);
    const report = started.report();
    trace?.close();
    guestLog?.close();
    const { message, stack = [] } = report.outcome;
    if (message !== undefined) this.problem([message, ...stack.map((line) => `    ${line}`)].join('\n'));
    const status = ended === 'interrupted' ? 'interrupted' : report.outcome.ok ? 'ok' : 'failed';
    return { ...this.result(status), report, expectations: expectations.results(report) };
  }

  private compile(): Program | undefined {
    const compiled = compileFile(this.file, this.console);
    if (compiled === undefined) this.problems.push(`${this.file} cannot be read: check its name.`);
    for (const diagnostic of compiled?.diagnostics ?? []) {
      if (diagnostic.severity === 'error') this.problem(diagnosticLine(diagnostic));
      else this.console.error(`${diagnosticLine(diagnostic)}\n`);
    }
    return compiled?.program;
  }

  /** Something that the report may tell; what it does not is said at once. */
  private problem(line: string): void {
    this.problems.push(line);
    if (this.reporter.failures === 'said') this.console.error(`${line}\n`);
  }

  private engineOptions(
    program: Program, expectations: ExpectationResults, trace: LineWriter | undefined, guestLog: LineWriter | undefined,
  ): EngineOptions {
    return {
      say: (line) => { this.say(line, program, expectations); },
      judged: (expectation, verdict) => { expectations.judged(expectation, verdict); },
      ...(trace === undefined ? {} : { trace: (line) => { trace.line(JSON.stringify(line)); } }),
      ...(guestLog === undefined ? {} : { guestLog: (line) => { guestLog.line(JSON.stringify(line)); } }),
    };
  }

  private say({ category, text, path, line }: OutputLine, program: Program, expectations: ExpectationResults): void {
    if (category === 'print') {
      if (this.reporter.prints === 'kept') this.printed.push(text);
      else if (this.reporter.prints === 'error') this.console.error(`${text}\n`);
      else this.console.out(`${text}\n`);
      return;
    }
    expectations.failure(text);
    if (this.reporter.failures === 'kept') return;
    const file = program.files.findIndex((each) => each.path === path);
    const statement = program.statements.find(({ range, isExpect }) => isExpect && range.file === file && range.line === line - 1);
    this.console.error(`${path}:${line}:${(statement?.range.column ?? 0) + 1}: ${text}\n`);
  }

  private open(path: string | undefined): LineWriter | undefined | 'refused' {
    if (path === undefined) return undefined;
    const lines = this.console.openLines(path);
    if (lines !== undefined) return lines;
    this.console.error(`pagewalk: ${path} cannot be written: check the folder and its rights.\n`);
    return 'refused';
  }

  private progress(run: ScenarioRun, { index, of }: Place): ReturnType<Parameters<typeof workOff>[0]['progress']> {
    const which = of === 1 ? '' : ` (${index + 1} of ${of})`;
    return { what: `${this.file}${which}`, unit: 'statements', units: run.statements, share: run.share() };
  }

  private result(status: ScenarioResult['status']): ScenarioResult {
    const { file, problems, printed } = this;
    return { file, status, expectations: [], problems, printed, milliseconds: this.console.now() - this.started };
  }
}
