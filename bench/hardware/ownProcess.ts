import { execFile } from 'node:child_process';
import path from 'node:path';
import { onOneCpu } from './markedRun';
import type { Missing, Times } from './measurement';

/** Runs one of the bench's own bundles in a fresh process; it prints one JSON object. */
export async function runOwn(folder: string, bundle: string, args: readonly string[]): Promise<Times | Missing> {
  const [program, programArgs] = onOneCpu(process.execPath, [path.join(folder, `${bundle}.cjs`), ...args]);
  return await new Promise((resolve) => {
    execFile(program, programArgs, { encoding: 'utf8', maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      if (error === null && last.startsWith('{')) resolve(JSON.parse(last) as Times | Missing);
      else resolve({ missing: `${bundle} ${args.join(' ')} failed: ${stderr.trim().split('\n').find((line) => line.includes('Error')) ?? stderr}` });
    });
  });
}
