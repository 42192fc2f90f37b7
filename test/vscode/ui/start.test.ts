import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../harness/chromium';
import { projectRoot } from '../harness/projectRoot';

/** A folder with what `npm start` calls by name, and no `code` in it. */
function pathWithoutCode(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-path-'));
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  for (const program of ['node', 'npm', 'sh', 'env', 'tar']) {
    const found = folders.map((one) => path.join(one, program)).find((file) => fs.existsSync(file));
    assert.ok(found, `${program} is on the PATH`);
    fs.symlinkSync(found, path.join(folder, program));
  }
  return folder;
}

/** `npm start` in a process group of its own, and what it has printed. */
function start(searchPath: string): {
  child: ChildProcess;
  printed: (wanted: RegExp) => Promise<RegExpExecArray>;
} {
  const child = spawn('npm', ['start'], {
    cwd: projectRoot,
    env: { ...process.env, PATH: searchPath },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  const listeners = new Set<() => void>();
  const hear = (chunk: Buffer): void => {
    text += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const printed = (wanted: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = wanted.exec(text);
        if (found !== null) resolve(found);
      };
      listeners.add(look);
      child.once('exit', () => reject(new Error(`npm start ended and had printed: ${text}`)));
      look();
    });
  return { child, printed };
}

/** Ctrl+C, and the end it brings about. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid, 'SIGINT');
  await ended;
}

describe('npm start', () => {
  it('opens desktop VS Code on the scenarios, with the extension, where `code` is on the PATH', async () => {
    const folder = pathWithoutCode();
    const code = path.join(folder, 'code');
    fs.writeFileSync(code, '#!/bin/sh\necho "code was given $*"\n', { mode: 0o755 });
    try {
      const { printed } = start(folder);
      const [, given] = await printed(/code was given (?!--version)(.*)/);
      const words = given?.split(' ') ?? [];
      assert.ok(words.includes(`--extensionDevelopmentPath=${projectRoot}`));
      assert.equal(words.at(-1), path.join(projectRoot, 'scenarios'));
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it('prints an address, otherwise, under which any browser finds the scenarios and the extension at work', async () => {
    const folder = pathWithoutCode();
    const { child, printed } = start(folder);
    let browser: Browser | undefined;
    try {
      const [address] = await printed(/http:\/\/127\.0\.0\.1:\d+\S*/);
      browser = await launchChromium();
      const page = await browser.newPage();
      await page.goto(address);
      const [file] = fs
        .readdirSync(path.join(projectRoot, 'scenarios'))
        .filter((name) => name.endsWith('.guest'))
        .sort();
      assert.ok(file, 'scenarios/ has a scenario');
      await page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: file }).dblclick();
      await page.locator('#status\\.editor\\.mode').filter({ hasText: 'Guest Scenario' }).waitFor();
      await page
        .locator('.editor-actions [aria-label^="Debug Scenario"], .editor-actions .codicon-debug-alt')
        .first()
        .waitFor();
    } finally {
      await browser?.close();
      await end(child);
      fs.rmSync(folder, { recursive: true });
    }
  });
});
