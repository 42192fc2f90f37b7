import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Console, LineWriter } from './console';

/** Lines are gathered to pieces of this many characters: a trace has millions of them. */
const PIECE = 1 << 16;

export const processConsole: Console = {
  out: (text) => { writeAll(1, text); },
  error: (text) => { writeAll(2, text); },
  readText: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  openLines: (path) => {
    try {
      return new FileLines(openSync(path, 'w'));
    } catch {
      return undefined;
    }
  },
};

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
