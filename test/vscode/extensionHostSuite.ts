import * as fs from 'node:fs';
import * as path from 'node:path';
import { SilentReporter, downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import * as esbuild from 'esbuild';
import { TALLY_FILE } from '../tally';
import { whyNoVscodeServer } from './harness/installVscodeServer';
import { projectRoot } from './harness/projectRoot';
import { runInServer } from './harness/runInServer';

/**
 * Runs test/vscode/suite/ inside the extension host of a real VS Code: the one that `$VSCODE_EXECUTABLE` names,
 * else a downloaded one when there is a display to show it on, else the VS Code server from npm.
 *
 * @returns the exit status: 0 when every test passed. The tally is in `tallyFile`.
 * @throws Error of one sentence when there is no VS Code to run it in.
 */
export async function runExtensionHostSuite(tallyFile: string): Promise<number> {
  const suite = {
    workspace: path.join(projectRoot, 'scenarios'),
    extensionDevelopmentPath: projectRoot,
    extensionTestsPath: await bundleSuite(),
    env: { [TALLY_FILE]: tallyFile },
  };
  const given = process.env['VSCODE_EXECUTABLE'];
  if (given !== undefined && given !== '' && !fs.existsSync(given)) {
    throw new Error(
      `VSCODE_EXECUTABLE names "${given}", which does not exist: name a VS Code executable or unset it.`,
    );
  }
  const desktop = given !== undefined && given !== '' ? given : await downloadedVscode();
  if (desktop === undefined) return await runInServer(suite);
  return await runTests({
    vscodeExecutablePath: desktop,
    extensionDevelopmentPath: suite.extensionDevelopmentPath,
    extensionTestsPath: suite.extensionTestsPath,
    extensionTestsEnv: suite.env,
    launchArgs: [suite.workspace],
  }).catch((error: unknown) => {
    console.error(`${desktop}: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  });
}

/** Undefined: the server has to serve. */
async function downloadedVscode(): Promise<string | undefined> {
  const hasDisplay = process.platform !== 'linux' || 'DISPLAY' in process.env || 'WAYLAND_DISPLAY' in process.env;
  const noServer = whyNoVscodeServer();
  if (hasDisplay) {
    try {
      return await downloadAndUnzipVSCode({ reporter: new SilentReporter() });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const otherwise = noServer === undefined ? 'the VS Code server from npm runs the suite instead' : noServer;
      console.log(`VS Code cannot be downloaded (${why}): ${otherwise}`);
    }
  }
  if (noServer !== undefined) {
    throw new Error(`${noServer} Name a VS Code executable in the environment variable VSCODE_EXECUTABLE.`);
  }
  return undefined;
}

/** Bundles each test file by itself, for mocha in the host to load; returns the file whose `run` does so. */
async function bundleSuite(): Promise<string> {
  const source = path.join(__dirname, 'suite');
  const files = fs.existsSync(source) ? fs.readdirSync(source).filter((file) => file.endsWith('.test.ts')) : [];
  const outdir = path.join(projectRoot, '.vscode-test', 'suite');
  fs.rmSync(outdir, { recursive: true, force: true });
  await esbuild.build({
    absWorkingDir: projectRoot,
    entryPoints: [
      path.join(__dirname, 'harness', 'suiteEntry.ts'),
      ...files.map((file) => path.join(source, file)),
    ],
    entryNames: '[name]',
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'inline',
    external: ['vscode', 'mocha', '*/tallyReporter.cjs'],
    logLevel: 'warning',
  });
  return path.join(outdir, 'suiteEntry.js');
}
