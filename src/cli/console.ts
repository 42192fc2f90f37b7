/** Where a command reads and writes: the process's own, or a test's. */
export interface Console {
  out(text: string): void;
  error(text: string): void;
  /** Undefined when the file cannot be read. */
  readText(path: string): string | undefined;
  /** Opens a file for lines; undefined when it cannot be written. */
  openLines(path: string): LineWriter | undefined;
}

/** Takes lines without their ends; what is written last is on disk after `close`. */
export interface LineWriter {
  line(text: string): void;
  close(): void;
}

/** Statuses of the command. */
export const EXIT = {
  ok: 0,
  /** An expectation or a vector failed, or the guest died. */
  failed: 1,
  /** Wrong arguments, a scenario that does not compile, a technique that does not fit. */
  unusable: 2,
} as const;
