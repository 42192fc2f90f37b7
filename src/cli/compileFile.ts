import { ImportPaths } from '../adapter/importPaths';
import { diagnosticText } from '../adapter/outputPump';
import { catalog } from '../engine/settings/catalog';
import { compileScenario, type CompileResult } from '../language/compile';
import type { ReadImport } from '../language/compile/sources';
import type { Diagnostic, Program, SourceRange } from '../language/program';
import type { Console } from './console';

/** Compiles a scenario's file with what it imports; undefined, after a word about it, when it cannot be read. */
export function compileFile(
  file: string, console: Console, globals: Readonly<Record<string, bigint>> = {},
): CompileResult | undefined {
  const text = console.readText(file);
  if (text === undefined) {
    console.error(`pagewalk: ${file} cannot be read: check its name.\n`);
    return undefined;
  }
  return compileText(file, text, console, globals);
}

/** The same for a text that is called `file` and whose imports lie beside that. */
export function compileText(file: string, text: string, console: Console, globals: Readonly<Record<string, bigint>> = {}): CompileResult {
  const paths = new ImportPaths(file);
  const readImport: ReadImport = (name, importer) => {
    const path = paths.resolve(name, importer);
    const imported = console.readText(path);
    return imported === undefined ? undefined : { path, text: imported };
  };
  return compileScenario({ path: file, text, readImport, catalog, globals });
}

/** Compiles and says what is wrong on standard error; a program, or undefined when there is none. */
export function compileOrSay(file: string, console: Console, globals: Readonly<Record<string, bigint>> = {}): Program | undefined {
  const compiled = compileFile(file, console, globals);
  for (const diagnostic of compiled?.diagnostics ?? []) console.error(`${diagnosticLine(diagnostic)}\n`);
  return compiled?.program;
}

/** `FILE:LINE:COL: message`; a warning says that it is one. */
export function diagnosticLine(diagnostic: Diagnostic): string {
  const warning = diagnostic.severity === 'warning' ? 'warning: ' : '';
  return diagnosticText({ ...diagnostic, message: `${warning}${diagnostic.message}` });
}

/** Where a configuration is refused: at the setting that asks for it, at `--mmu`, or at the file's start. */
export function placeOfRefusal(program: Program, file: string, mmu: string | undefined, range: SourceRange | undefined): string {
  if (range !== undefined) return placeText(program, range);
  if (mmu !== undefined) return `pagewalk: --mmu ${mmu}`;
  const own = program.machine.find(({ name }) => name === 'mmu')?.range;
  return own === undefined ? `${file}:1:1` : placeText(program, own);
}

/** `FILE:LINE:COL` of a range's start, from 1. */
export function placeText(program: Program, { file, line, column }: SourceRange): string {
  return `${program.files[file]?.path ?? ''}:${line + 1}:${column + 1}`;
}
