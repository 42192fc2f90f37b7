import { execFile } from 'node:child_process';
import path from 'node:path';
import { onOneCpu } from './markedRun';
import type { Missing, Times } from './measurement';

/** Runs one of the bench's own bundles in a fresh process, bound to one CPU or not; it prints one JSON object. */
export async function runOwn(folder: string, bundle: string, args: readonly string[], cpus: 'one CPU' | 'any CPU' = 'one CPU'): Promise<Times | Missing> {
  const script = path.join(folder, `${bundle}.cjs`);
  const [program, programArgs] = cpus === 'one CPU' ? onOneCpu(process.execPath, [script, ...args]) : [process.execPath, [script, ...args]];
  return await new Promise((resolve) => {
    execFile(program, programArgs, { encoding: 'utf8', maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      if (error === null && last.startsWith('{')) resolve(JSON.parse(last) as Times | Missing);
      else resolve({ missing: `${bundle} ${args.join(' ')} failed: ${stderr.trim().split('\n').find((line) => line.includes('Error')) ?? stderr}` });
    });
  });
}
