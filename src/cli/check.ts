import { basename, dirname, join } from 'node:path';
import { configure } from '../engine/settings/configuration';
import type { Diagnostic, Program } from '../language/program';
import type { Paint } from '../adapter/tones';
import { paintFor } from './colours';
import { compileFile, compileText, diagnosticLine } from './compileFile';
import { EXIT, type Console } from './console';
import { hasSomethingToRun } from './scenarioFiles';

export interface CheckOptions {
  readonly json?: true;
  readonly warnings?: 'pass' | 'fail';
}

/** Stands in for the scenario that would import a file. */
const IMPORTER = ' importer.guest';

interface FileCheck {
  readonly file: string;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Says what is wrong with scenarios without running them. Status 0: no error; 1: one has an error (with `--warnings fail` also
 * a warning); 2: one cannot be read.
 */
export function check(names: readonly string[], options: CheckOptions, console: Console): number {
  const paint = paintFor(console.terminal);
  const files = names.flatMap((name) => console.scenariosIn(name) ?? [name]);
  let worst: number = EXIT.ok;
  const sums = { error: 0, warning: 0 };
  for (const file of files) {
    const checked = checkFile(file, console);
    if (checked === undefined) {
      worst = EXIT.unusable;
      continue;
    }
    for (const { severity } of checked.diagnostics) sums[severity]++;
    console.out(options.json === true ? `${JSON.stringify(checkJson(checked))}\n` : checkText(checked, paint));
  }
  if (options.json !== true) console.out(`${sumsText(files.length, sums, paint)}\n`);
  const isBad = sums.error > 0 || (options.warnings === 'fail' && sums.warning > 0);
  return Math.max(worst, isBad ? EXIT.failed : EXIT.ok);
}

/** `-` is standard input. A file with nothing to run is looked at as an import, which is what it is for. */
function checkFile(file: string, console: Console): FileCheck | undefined {
  if (file !== '-' && console.readText(file) !== undefined && !hasSomethingToRun(file, console)) return checkImport(file, console);
  const compiled = file === '-' ? compileText('-', console.readInput(), console) : compileFile(file, console);
  if (compiled === undefined) return undefined;
  const refused = compiled.program === undefined ? undefined : refusedMachine(compiled.program, file);
  return { file, diagnostics: refused === undefined ? compiled.diagnostics : [...compiled.diagnostics, refused] };
}

function checkImport(file: string, console: Console): FileCheck {
  const importer = `import "${basename(file)}"\ncpu 0 {\n}\n`;
  const { diagnostics } = compileText(join(dirname(file), IMPORTER), importer, console);
  return { file, diagnostics: diagnostics.filter(({ path }) => basename(path) !== IMPORTER) };
}

/** What the machine itself refuses: a technique that does not fit, RAM that no processor reaches. */
function refusedMachine(program: Program, file: string): Diagnostic | undefined {
  const configuration = configure(program, undefined);
  if (!('error' in configuration)) return undefined;
  const start = { file: 0, line: 0, column: 0, endLine: 0, endColumn: 0 };
  const range = configuration.range ?? program.machine.find(({ name }) => name === 'mmu')?.range ?? start;
  return { severity: 'error', message: configuration.error, range, path: program.files[range.file]?.path ?? file };
}

function checkText({ diagnostics }: FileCheck, paint: Paint): string {
  return diagnostics.map((diagnostic) => `${paint(diagnostic.severity === 'error' ? 'bad' : 'warning', diagnosticLine(diagnostic))}\n`).join('');
}

function checkJson({ file, diagnostics }: FileCheck): object {
  return {
    file,
    ok: diagnostics.every(({ severity }) => severity !== 'error'),
    diagnostics: diagnostics.map(({ severity, message, path, range: { line, column, endLine, endColumn } }) => ({
      severity, path, line: line + 1, column: column + 1, endLine: endLine + 1, endColumn: endColumn + 1, message,
    })),
  };
}

function sumsText(files: number, { error, warning }: Readonly<Record<'error' | 'warning', number>>, paint: Paint): string {
  const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
  const text = `${counted(files, 'file')}: ${counted(error, 'error')}, ${counted(warning, 'warning')}`;
  return paint(error > 0 ? 'bad' : warning > 0 ? 'warning' : 'good', text);
}
