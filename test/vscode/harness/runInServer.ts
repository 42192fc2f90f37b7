import { format } from 'node:util';
import { launchChromium } from './chromium';
import { startVscodeServer } from './vscodeServer';

/** What VS Code needs to run tests in its extension host; paths are absolute. */
export interface HostSuite {
  readonly workspace: string;
  readonly extensionDevelopmentPath: string;
  readonly extensionTestsPath: string;
  /** Set in the extension host's environment. */
  readonly env: Readonly<Record<string, string>>;
}

const LIMIT = 5 * 60_000;

/** How lines begin that VS Code itself writes while it starts; of no use beside test output. */
const CHATTER = [
  'Resolv',
  'Creating a socket',
  'Creation of workbench contribution',
  '[reconn',
  '[Service',
  '[AgentHost',
  '[Account',
  'Updating add',
  'Ignoring f',
  'Timed out waiting for authentication provider',
];

/**
 * Runs a mocha suite in the extension host of the VS Code server, its window open in headless Chromium; this is
 * how @vscode/test-web reports too.
 *
 * @returns 0 when all tests passed, 124 when the host did not report within five minutes, else the host's status.
 */
export async function runInServer(suite: HostSuite): Promise<number> {
  const server = await startVscodeServer({ workspace: suite.workspace, purpose: 'test' });
  try {
    const browser = await launchChromium();
    try {
      const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
      await page.exposeFunction('codeAutomationLog', (_level: string, args: unknown[]) => {
        const text = format(...args);
        if (!CHATTER.some((beginning) => text.startsWith(beginning))) console.log(text);
      });
      const status = new Promise<number>((resolve) => {
        const limit = setTimeout(() => {
          console.error(`The extension host did not report within ${String(LIMIT / 60_000)} minutes.`);
          resolve(124);
        }, LIMIT);
        void page.exposeFunction('codeAutomationExit', (code: number) => {
          clearTimeout(limit);
          resolve(code);
        });
      });
      await page.goto(
        server.url([
          ['extensionDevelopmentPath', server.uri(suite.extensionDevelopmentPath)],
          ['extensionTestsPath', server.uri(suite.extensionTestsPath)],
          ['extensionEnvironment', JSON.stringify(suite.env)],
          ['skipWelcome', 'true'],
        ]),
      );
      return await status;
    } finally {
      await browser.close();
    }
  } finally {
    await server.stop();
  }
}
