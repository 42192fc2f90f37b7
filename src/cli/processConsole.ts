import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Console, LineWriter, Terminal } from './console';
import { lateModules } from './lateModules';

/** Lines are gathered to pieces of this many characters: a trace has millions of them. */
const PIECE = 1 << 16;

let interrupted = false;
let isProgressShown = false;
const DEFAULT_COLUMNS = 80;
const ERASE_LINE = '\r\u001b[K';

export const processConsole: Console = {
  out: (text) => { write(1, text); },
  error: (text) => { write(2, text); },
  readText: (path) => attempt(() => readFileSync(path, 'utf8')),
  openLines: (path) => attempt(() => new FileLines(openSync(path, 'w'))),
  writeText: (path, text) => attempt(() => { writeFileSync(path, text); return true; }) ?? false,
  readInput: () => readFileSync(0, 'utf8'),
  scenariosIn: (path) => (attempt(() => statSync(path).isDirectory()) === true ? scenariosBelow(path) : undefined),
  showProgress,
  terminal: terminalOf(process.env, process.stdout, process.stderr),
  isInterrupted: () => interrupted,
  now: () => performance.now(),
  late: lateModules,
  breathe: () => new Promise((resolve) => { setImmediate(resolve); }),
};

/**
 * From now on Ctrl-C is a wish to stop that `isInterrupted` tells of, once; a second one ends the process at once. For commands
 * that work in slices: the others keep the system's way.
 */
export function heedInterrupts(): void {
  process.once('SIGINT', () => { interrupted = true; });
}

/** NO_COLOR (any value) turns colours off, as no-color.org has it; a terminal that says it is dumb has none. */
export function terminalOf(
  environment: Readonly<Record<string, string | undefined>>,
  out: { readonly isTTY?: boolean },
  error: { readonly isTTY?: boolean; readonly columns?: number },
): Terminal {
  const isPlain = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  return {
    colours: out.isTTY === true && !isPlain ? 'yes' : 'no',
    // A terminal that does not know its width says 0.
    progressColumns: error.isTTY === true ? error.columns || DEFAULT_COLUMNS : undefined,
  };
}

/** Folders that are nobody's scenarios are left out: those of packages, and hidden ones. */
function scenariosBelow(folder: string): string[] {
  const entries = attempt(() => readdirSync(folder, { withFileTypes: true })) ?? [];
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name.startsWith('.') ? [] : scenariosBelow(path);
      return entry.name.endsWith('.guest') ? [path] : [];
    });
}

class FileLines implements LineWriter {
  private text = '';

  constructor(private readonly file: number) {}

  line(text: string): void {
    this.text += `${text}\n`;
    if (this.text.length < PIECE) return;
    writeAll(this.file, this.text);
    this.text = '';
  }

  close(): void {
    writeAll(this.file, this.text);
    closeSync(this.file);
  }
}

function showProgress(line: string | undefined): void {
  if (isProgressShown || line !== undefined) writeAll(2, `${ERASE_LINE}${line ?? ''}`);
  isProgressShown = line !== undefined;
}

/** Both streams may be the same terminal: the line of progress makes room. */
function write(file: number, text: string): void {
  showProgress(undefined);
  writeAll(file, text);
}

/** Undefined when the file system refuses, whatever its reason. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

/** Writes before it returns, so that nothing is lost when the process ends; a reader that left is no error. */
function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(file, bytes, at);
    } catch (problem) {
      const code = problem instanceof Error && 'code' in problem ? problem.code : undefined;
      if (code === 'EAGAIN') continue;
      if (code === 'EPIPE') return;
      throw problem;
    }
  }
}
