import { diagnosticText } from '../adapter/outputPump';
import { ImportPaths } from '../adapter/importPaths';
import { catalog } from '../engine/catalog';
import type { OutputLine } from '../engine/debuggee';
import { run, type RunReport, type RunOptions as EngineOptions } from '../engine/run';
import { compileScenario } from '../language/compile';
import type { ReadImport } from '../language/compile/sources';
import type { Program, SourceRange } from '../language/program';
import type { RunOptions } from './commandLine';
import { EXIT, type Console, type LineWriter } from './console';
import { countersJson } from './countersJson';

/**
 * Runs scenarios to their end, one after the other. The status is that of the worst: 0 all well, 1 an
 * expectation failed or a guest died, 2 one could not be run.
 */
export function runScenarios(files: readonly string[], options: RunOptions, console: Console): number {
  for (const [flag, path] of [['--trace', options.trace], ['--guest-log', options.guestLog]] as const) {
    if (path !== undefined && files.length > 1) {
      console.error(`pagewalk: ${flag} writes the events of one scenario: name one file, not ${files.length}.\n`);
      return EXIT.unusable;
    }
  }
  let worst: number = EXIT.ok;
  for (const file of files) worst = Math.max(worst, runScenario(file, options, console));
  return worst;
}

function runScenario(file: string, options: RunOptions, console: Console): number {
  const program = compile(file, console);
  if (program === undefined) return EXIT.unusable;
  const trace = open(options.trace, console);
  const guestLog = open(options.guestLog, console);
  if (trace === 'refused' || guestLog === 'refused') return EXIT.unusable;

  const ran = run(program, options.mmu, engineOptions(program, options, console, trace, guestLog));
  trace?.close();
  guestLog?.close();
  if ('error' in ran) {
    const place = ran.range !== undefined ? placeText(program, ran.range)
      : options.mmu === undefined ? placeOfMmu(program, file) : `pagewalk: --mmu ${options.mmu}`;
    console.error(`${place}: ${ran.error}\n`);
    return EXIT.unusable;
  }
  if (ran.outcome.message !== undefined) console.error(`${ran.outcome.message}\n`);
  console.out(options.json === true ? `${JSON.stringify(runJson(file, ran))}\n` : `${summary(file, ran)}\n`);
  return ran.outcome.ok ? EXIT.ok : EXIT.failed;
}

function compile(file: string, console: Console): Program | undefined {
  const text = console.readText(file);
  if (text === undefined) {
    console.error(`pagewalk: ${file} cannot be read: check its name.\n`);
    return undefined;
  }
  const paths = new ImportPaths(file);
  const readImport: ReadImport = (name, importer) => {
    const path = paths.resolve(name, importer);
    const imported = console.readText(path);
    return imported === undefined ? undefined : { path, text: imported };
  };
  const { program, diagnostics } = compileScenario({ path: file, text, readImport, catalog });
  for (const diagnostic of diagnostics) {
    const warning = diagnostic.severity === 'warning' ? 'warning: ' : '';
    console.error(`${diagnosticText({ ...diagnostic, message: `${warning}${diagnostic.message}` })}\n`);
  }
  return program;
}

function engineOptions(
  program: Program,
  options: RunOptions,
  console: Console,
  trace: LineWriter | undefined,
  guestLog: LineWriter | undefined,
): EngineOptions {
  return {
    say: (line) => { say(line, program, options, console); },
    ...(trace === undefined ? {} : { trace: (line) => { trace.line(JSON.stringify(line)); } }),
    ...(guestLog === undefined ? {} : { guestLog: (line) => { guestLog.line(JSON.stringify(line)); } }),
  };
}

/** Prints go to standard output, or to standard error where that carries JSON; failures to standard error, with their place. */
function say(line: OutputLine, program: Program, options: RunOptions, console: Console): void {
  if (line.category === 'print') {
    if (options.json === true) console.error(`${line.text}\n`);
    else console.out(`${line.text}\n`);
    return;
  }
  const file = program.files.findIndex(({ path }) => path === line.path);
  const statement = program.statements.find(({ range, isExpect }) => isExpect && range.file === file && range.line === line.line - 1);
  console.error(`${line.path}:${line.line}:${(statement?.range.column ?? 0) + 1}: ${line.text}\n`);
}

/** A technique that does not fit is told where the scenario names its own, else at the file's start. */
function placeOfMmu(program: Program, file: string): string {
  const range = program.machine.find(({ name }) => name === 'mmu')?.range;
  return range === undefined ? `${file}:1:1` : placeText(program, range);
}

function placeText(program: Program, { file, line, column }: SourceRange): string {
  return `${program.files[file]?.path ?? ''}:${line + 1}:${column + 1}`;
}

function open(path: string | undefined, console: Console): LineWriter | undefined | 'refused' {
  if (path === undefined) return undefined;
  const lines = console.openLines(path);
  if (lines !== undefined) return lines;
  console.error(`pagewalk: ${path} cannot be written: check the folder and its rights.\n`);
  return 'refused';
}

function runJson(file: string, { technique, outcome, counters, estimatedCycles }: RunReport): object {
  const { ok, passed, failed } = outcome;
  return {
    scenario: file,
    mmu: technique,
    ok,
    expectations: { passed, failed },
    counters: { ...countersJson(counters), estimated_cycles: estimatedCycles },
  };
}

function summary(file: string, { technique, outcome, counters }: RunReport): string {
  const { passed, failed } = outcome;
  const { accesses, vm_exits: exits, faults } = countersJson(counters);
  const judged = failed === 0 ? `${passed} expectations held` : `${failed} of ${passed + failed} expectations failed`;
  const verdict = outcome.ok ? 'ok' : 'FAILED';
  return `${file} under ${technique}: ${verdict}, ${judged}; ${accesses} accesses, ${exits['total'] ?? 0} VM exits, ${faults.guest} guest faults, ${faults.hidden} hidden faults`;
}
