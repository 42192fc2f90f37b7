import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as esbuild from 'esbuild';
import { projectRoot } from '../../vscode/harness/projectRoot';

/** How a run ended, and what it printed. */
export interface BundledRun {
  readonly status: number;
  readonly output: string;
}

/**
 * Runs `main.ts` of the random programs, or another program, as one bundle, in which the engine's modules see each other directly: that halves its time.
 *
 * @param print Takes what it prints as it goes.
 * @param plugins Change sources on their way into the bundle.
 */
export async function runBundled(args: readonly string[], print: (chunk: string) => void, plugins: readonly esbuild.Plugin[] = [], entry = 'test/hypervisor/equivalence/main.ts'): Promise<BundledRun> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-equivalence-'));
  const outfile = path.join(folder, 'main.cjs');
  try {
    await esbuild.build({
      absWorkingDir: projectRoot, entryPoints: [entry], outfile, bundle: true, platform: 'node', target: 'node20',
      format: 'cjs', mainFields: ['module', 'main'], logLevel: 'warning', plugins: [...plugins],
    });
    return await new Promise<BundledRun>((resolve, reject) => {
      const child = spawn(process.execPath, [outfile, ...args], { cwd: projectRoot, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      const take = (chunk: Buffer): void => {
        output += chunk.toString();
        print(chunk.toString());
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.on('error', reject);
      child.on('close', (status) => { resolve({ status: status ?? 1, output }); });
    });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
