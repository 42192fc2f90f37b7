/** Loaded by VS Code's extension host: runs the bundled test files beside it with mocha. */
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';

/** @throws Error, by which VS Code knows that tests failed. */
export async function run(): Promise<void> {
  // Not bundled, so that the suite and the reporter are of one mocha: that of node_modules, beside .vscode-test/.
  const load = createRequire(__filename);
  const InstalledMocha = load('mocha') as typeof Mocha;
  const reporter = load('../../test/tallyReporter.cjs') as Mocha.ReporterConstructor;
  const mocha = new InstalledMocha({
    ui: 'bdd',
    color: false,
    timeout: 60_000,
    forbidOnly: true,
    forbidPending: true,
    reporter,
  });
  for (const file of fs
    .readdirSync(__dirname)
    .filter((name) => name.endsWith('.test.js'))
    .sort()) {
    mocha.addFile(path.join(__dirname, file));
  }
  const failures = await new Promise<number>((resolve) => mocha.run(resolve));
  if (failures > 0) throw new Error(`${String(failures)} tests failed.`);
}
