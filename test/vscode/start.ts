/**
 * `npm start`: opens VS Code on scenarios/ with the extension loaded. Desktop VS Code when `code` is on the PATH,
 * otherwise the VS Code server from npm, to be opened in a browser.
 */
import { spawn, spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { whyNoVscodeServer } from './harness/installVscodeServer';
import { projectRoot } from './harness/projectRoot';
import { startVscodeServer } from './harness/vscodeServer';

const scenarios = path.join(projectRoot, 'scenarios');
// `code` is a script on every system, on Windows one that only the shell runs.
const onWindows = process.platform === 'win32';

function hasDesktop(): boolean {
  return spawnSync('code', ['--version'], { stdio: 'ignore', shell: onWindows }).status === 0;
}

function openDesktop(): void {
  const quote = (text: string): string => (onWindows ? `"${text}"` : text);
  const args = [
    `--extensionDevelopmentPath=${projectRoot}`,
    '--disable-workspace-trust',
    '--new-window',
    scenarios,
  ];
  const child = spawn('code', args.map(quote), { stdio: 'inherit', shell: onWindows });
  child.on('exit', (status) => {
    if (status === 0) console.log('VS Code opens on scenarios/: open one and press F5.');
    else console.error(`VS Code could not be opened: "code" ended with status ${String(status)}.`);
    process.exitCode = status ?? 1;
  });
}

async function serve(): Promise<void> {
  const unable = whyNoVscodeServer();
  if (unable !== undefined) {
    throw new Error(
      `${unable} Install VS Code so that its command "code" is on the PATH, then run npm start again.`,
    );
  }
  const server = await startVscodeServer({
    workspace: scenarios,
    installedExtension: projectRoot,
    purpose: 'use',
  });
  console.log(`\nVS Code with Pagewalk is ready. Open this address in a browser, open a scenario and press F5:\n`);
  console.log(`  ${server.url()}\n`);
  console.log('Only this machine can reach it. Press Ctrl+C here to end it.');
  const end = (): void => void server.stop();
  process.once('SIGINT', end).once('SIGTERM', end).once('SIGHUP', end);
  await server.ended;
  await server.stop();
}

if (hasDesktop()) openDesktop();
else {
  serve().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
