import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

/**
 * Installs npm packages, given as `name@version`, into `folder` (made if need be; its node_modules is then
 * complete). No install scripts run, so neither a compiler nor root is needed. With no packages: installs what
 * the folder's own package.json names.
 *
 * @throws Error with npm's own words when npm fails.
 */
export async function installPackages(folder: string, packages: readonly string[]): Promise<void> {
  fs.mkdirSync(folder, { recursive: true });
  const manifest = path.join(folder, 'package.json');
  if (!fs.existsSync(manifest)) fs.writeFileSync(manifest, '{"private":true}\n');
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  const what = packages.length > 0 ? ['--save-exact', ...packages] : ['--omit=dev'];
  await runQuietly('npm', ['install', '--prefix', folder, '--ignore-scripts', ...quiet, ...what], folder);
}

/** Runs a program to its end with its output kept back. @throws Error that quotes the output when it fails. */
export async function runQuietly(program: string, args: readonly string[], cwd: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    let output = '';
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve(output);
      else
        reject(
          new Error(
            `${program} ${args[0] ?? ''} failed with status ${String(status)}: ${output.trim().slice(-1000)}`,
          ),
        );
    });
  });
}

/**
 * Makes `folder` by filling a sibling first and renaming it into place, so that an interrupted or a simultaneous
 * installation never leaves half a folder under the final name. Does nothing when the folder is there.
 */
export async function madeWhole(folder: string, fill: (partial: string) => Promise<void>): Promise<void> {
  if (fs.existsSync(folder)) return;
  const partial = `${folder}.partial-${String(process.pid)}`;
  fs.rmSync(partial, { recursive: true, force: true });
  fs.mkdirSync(partial, { recursive: true });
  try {
    await fill(partial);
    try {
      fs.renameSync(partial, folder);
    } catch (error) {
      if (!fs.existsSync(folder)) throw error;
    }
  } finally {
    fs.rmSync(partial, { recursive: true, force: true });
  }
}
