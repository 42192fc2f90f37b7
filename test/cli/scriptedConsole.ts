import * as charts from '../../src/cli/charts/chartFiles';
import type { Console, Terminal } from '../../src/cli/console';
import type { LateModules } from '../../src/cli/lateModules';
import * as junit from '../../src/cli/reporters/junitReporter';

export interface Script {
  /** Files that there are, by path; written ones come in. */
  readonly files?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly terminal?: Terminal;
  /** Ctrl-C is pressed after so many breaths. */
  readonly interruptedAfter?: number;
  /** Milliseconds that pass at each look at the clock. */
  readonly tick?: number;
}

/** A console whose files, clock and keys are a test's. */
export class ScriptedConsole implements Console {
  text = '';
  errors = '';
  /** Both streams, as a terminal shows them. */
  transcript = '';
  readonly progress: string[] = [];
  readonly files: Map<string, string>;
  readonly terminal: Terminal;
  readonly late: LateModules = {
    charts: () => Promise.resolve(charts), junit: () => Promise.resolve(junit), language: () => import('../../src/lsp/stdio'),
  };
  private breaths = 0;
  private clock = 0;

  constructor(private readonly script: Script = {}) {
    this.files = new Map(Object.entries(script.files ?? {}));
    this.terminal = script.terminal ?? { colours: 'no', progressColumns: undefined };
  }

  out(text: string): void {
    this.text += text;
    this.transcript += text;
  }

  error(text: string): void {
    this.errors += text;
    this.transcript += text;
  }

  readText(path: string): string | undefined { return this.files.get(path); }
  readInput(): string { return this.script.input ?? ''; }

  openLines(path: string): { line(text: string): void; close(): void } {
    this.files.set(path, '');
    return { line: (text) => { this.files.set(path, `${this.files.get(path) ?? ''}${text}\n`); }, close: () => undefined };
  }

  writeText(path: string, text: string): boolean {
    if (path.startsWith('readonly/')) return false;
    this.files.set(path, text);
    return true;
  }

  /** A path that ends with a slash is a folder. */
  scenariosIn(path: string): readonly string[] | undefined {
    return path.endsWith('/') ? [...this.files.keys()].filter((file) => file.startsWith(path) && file.endsWith('.guest')).sort() : undefined;
  }

  showProgress(line: string | undefined): void {
    if (line !== undefined) this.progress.push(line);
  }

  isInterrupted(): boolean { return this.breaths >= (this.script.interruptedAfter ?? Infinity); }
  now(): number { return (this.clock += this.script.tick ?? 0); }

  breathe(): Promise<void> {
    this.breaths++;
    return Promise.resolve();
  }
}
