import type { LateModules } from './lateModules';

/** Where a command reads and writes: the process's own, or a test's. */
export interface Console {
  out(text: string): void;
  error(text: string): void;
  /** Undefined when the file cannot be read. */
  readText(path: string): string | undefined;
  /** Opens a file for lines; undefined when it cannot be written. */
  openLines(path: string): LineWriter | undefined;
  /** Replaces the file's text; false when it cannot be written. */
  writeText(path: string, text: string): boolean;
  /** All of standard input. */
  readInput(): string;
  /** Paths of the scenarios (`.guest`) in a folder and those below it, in the order of their names; undefined when it is no folder. */
  scenariosIn(path: string): readonly string[] | undefined;
  /** Shows a line of progress in place of the last one, until something else is written; undefined takes it away. */
  showProgress(line: string | undefined): void;
  /** What a person looks at: colours and progress are for a terminal alone. */
  readonly terminal: Terminal;
  /** True once the person has asked to stop (Ctrl-C). */
  isInterrupted(): boolean;
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  readonly late: LateModules;
  /** Lets the host attend to signals and input; a long command does so now and then. */
  breathe(): Promise<void>;
}

export interface Terminal {
  /** Standard output takes colours. */
  readonly colours: 'yes' | 'no';
  /** Columns of the terminal that standard error is; undefined when it is none. */
  readonly progressColumns: number | undefined;
}

/** Takes lines without their ends; what is written last is on disk after `close`. */
export interface LineWriter {
  line(text: string): void;
  close(): void;
}

/** Statuses of the command. */
export const EXIT = {
  ok: 0,
  /** An expectation or a vector failed, the guest died, a check found errors, a file is not formatted. */
  failed: 1,
  /** Wrong arguments, a file that cannot be read, a scenario that does not compile, a technique that does not fit. */
  unusable: 2,
  /** Stopped by Ctrl-C: what was printed is as far as it came. */
  interrupted: 130,
} as const;
