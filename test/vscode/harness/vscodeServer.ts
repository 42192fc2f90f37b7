import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { installVscodeServer } from './installVscodeServer';

export interface ServerOptions {
  /** Absolute path of the folder to open. */
  readonly workspace: string;
  /** User settings, over `quietSettings`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Absolute path of an extension that every window of the server has installed. */
  readonly installedExtension?: string;
  /** `test` opens two doors that a person's server keeps shut; see `testDoors`. */
  readonly purpose: 'use' | 'test';
}

/** A running VS Code server, on loopback, at a port of its own choice. */
export interface VscodeServer {
  readonly port: number;
  readonly workspace: string;
  /** Address of the workbench on the workspace; `payload` are pairs that VS Code's web workbench understands. */
  url(payload?: readonly (readonly [string, string])[]): string;
  /** The URI by which the workbench knows a file of this machine. */
  uri(file: string): string;
  /** Resolves when the server has ended by itself or by `stop`. */
  readonly ended: Promise<void>;
  /** Ends the server with all its extension hosts and removes its user data. */
  stop(): Promise<void>;
}

/** No welcome page, no chat, no telemetry, no look-ups: what a window must not do by itself. */
export const quietSettings: Readonly<Record<string, unknown>> = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'chat.commandCenter.enabled': false,
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'extensions.ignoreRecommendations': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'window.confirmBeforeClose': 'never',
};

/** The workbench accepts `extensionDevelopmentPath` in its address, and gives its page `window.driver`. */
const testDoors = ['--vscode-option', 'enable-smoke-test-driver'];

/**
 * Installs the VS Code server if need be and starts it.
 *
 * @throws Error of one sentence, with the end of the server's log, when it does not come up.
 */
export async function startVscodeServer(options: ServerOptions): Promise<VscodeServer> {
  const installed = await installVscodeServer();
  // Short: Unix sockets live in it, and their paths have 107 characters at most.
  const userData = fs.mkdtempSync(path.join(os.tmpdir(), 'pw-'));
  writeSettings(userData, { ...quietSettings, ...options.settings });
  const extensions = path.join(userData, 'extensions');
  fs.mkdirSync(extensions);
  if (options.installedExtension !== undefined) linkExtension(extensions, options.installedExtension);

  const log = path.join(userData, 'server.log');
  const output = fs.openSync(log, 'w');
  const child = spawn(
    installed.node,
    [
      installed.entry,
      ...[
        '--config',
        path.join(userData, 'server.yaml'),
        '--user-data-dir',
        userData,
        '--extensions-dir',
        extensions,
      ],
      ...['--auth', 'none', '--bind-addr', '127.0.0.1:0'],
      ...['--disable-telemetry', '--disable-update-check', '--disable-workspace-trust'],
      ...['--disable-getting-started-override', '--ignore-last-opened'],
      ...(options.purpose === 'test' ? testDoors : []),
      options.workspace,
    ],
    // In a process group of its own: extension hosts outlive a server that is ended alone.
    { env: serverEnvironment(userData), stdio: ['ignore', output, output], detached: true },
  );
  fs.closeSync(output);
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => {
      resolve();
    });
    child.on('error', () => {
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    signalGroup(child, 'SIGTERM');
    await Promise.race([ended, pause(3000)]);
    signalGroup(child, 'SIGKILL');
    fs.rmSync(userData, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  };

  const port = await listeningPort(child, log, options.workspace);
  if (port === undefined) {
    const end = fs.readFileSync(log, 'utf8').trim().slice(-2000);
    await stop();
    throw new Error(`The VS Code server did not start; the end of its log: ${end}`);
  }
  return { port, workspace: options.workspace, ended, stop, ...addresses(port, options.workspace) };
}

function addresses(port: number, workspace: string): Pick<VscodeServer, 'url' | 'uri'> {
  // 127.0.0.1, not localhost: resource URIs carry the authority, and it is a secure context for service workers.
  const authority = `127.0.0.1:${String(port)}`;
  return {
    uri: (file) => `vscode-remote://${authority}${file}`,
    url: (payload = []) => {
      const query = payload.length > 0 ? `&payload=${encodeURIComponent(JSON.stringify(payload))}` : '';
      return `http://${authority}/?folder=${encodeURIComponent(workspace)}${query}`;
    },
  };
}

function writeSettings(userData: string, settings: Readonly<Record<string, unknown>>): void {
  fs.mkdirSync(path.join(userData, 'User'), { recursive: true });
  fs.writeFileSync(path.join(userData, 'User', 'settings.json'), JSON.stringify(settings, undefined, 2));
}

/** A folder in the extensions folder is an installed extension: VS Code scans it at its first start. */
function linkExtension(extensions: string, extension: string): void {
  const text = fs.readFileSync(path.join(extension, 'package.json'), 'utf8');
  const manifest = JSON.parse(text) as { publisher: string; name: string; version: string };
  const name = `${manifest.publisher}.${manifest.name}-${manifest.version}`;
  fs.symlinkSync(extension, path.join(extensions, name), 'dir');
}

function serverEnvironment(userData: string): NodeJS.ProcessEnv {
  const foreign = /^(npm_|VSCODE_|ELECTRON_|NODE_OPTIONS$|PORT$|PASSWORD$|HASHED_PASSWORD$|EXTENSIONS_GALLERY$)/;
  const own = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(own), HOME: userData, EXTENSIONS_GALLERY: '{}' };
}

/** The port, once the workbench page itself is served; undefined when the server ends or a minute passes. */
async function listeningPort(child: ChildProcess, log: string, workspace: string): Promise<number | undefined> {
  for (let waited = 0; waited < 60_000 && child.exitCode === null; waited += 100) {
    const match = /HTTP server listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(fs.readFileSync(log, 'utf8'));
    if (match !== null) {
      const port = Number(match[1]);
      // The health check answers even when VS Code itself failed to load.
      const page = await fetch(addresses(port, workspace).url()).then(
        (response) => response.text(),
        () => '',
      );
      if (page.includes('vscode-workbench-web-configuration')) return port;
    }
    await pause(100);
  }
  return undefined;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group has ended already.
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
