import * as path from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { panelPage } from '../../src/extension/panelPage';
import type { FromPanel, ToPanel } from '../../src/protocol/panel';
import { launchChromium } from '../vscode/harness/chromium';
import { projectRoot, resultsFolder } from '../vscode/harness/projectRoot';
import type { Theme } from './themes';

const ORIGIN = 'https://panel.test';

/** The panel's page in Chromium, with this test in the extension's place. */
export interface OpenPanel {
  readonly page: Page;
  /** Sends a message as the extension does. */
  send(message: ToPanel): Promise<void>;
  /** Messages the page has posted, oldest first. */
  posted(): Promise<readonly FromPanel[]>;
  /** What the page kept by `setState`. */
  kept(): Promise<unknown>;
  /** Sentences of refused resources and script errors; a page in order has none. */
  readonly complaints: readonly string[];
  screenshot(name: string): Promise<void>;
  close(): Promise<void>;
}

export interface PanelOptions {
  readonly theme: Theme;
  readonly width: number;
  readonly height?: number;
  /** What `getState` answers. */
  readonly kept?: unknown;
}

/** Chromium and the bundled page, made once for a suite of tests. */
export class PanelBench {
  private constructor(
    private readonly browser: Browser,
    private readonly files: ReadonlyMap<string, string>,
  ) {}

  static async start(): Promise<PanelBench> {
    const bundle = await build({
      absWorkingDir: projectRoot,
      entryPoints: ['src/webview/main.ts'],
      outfile: '/panel.js',
      bundle: true,
      write: false,
      platform: 'browser',
      target: 'es2022',
      format: 'iife',
    });
    const files = new Map(bundle.outputFiles.map((file) => [path.basename(file.path), file.text]));
    return new PanelBench(await launchChromium(), files);
  }

  async open(options: PanelOptions): Promise<OpenPanel> {
    const context = await this.browser.newContext({
      viewport: { width: options.width, height: options.height ?? 900 },
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.route(`${ORIGIN}/**`, async (route) => {
      const name = new URL(route.request().url()).pathname.slice(1);
      if (name === '') {
        await route.fulfill({ contentType: 'text/html', body: this.html() });
        return;
      }
      const contentType = name.endsWith('.css') ? 'text/css' : 'text/javascript';
      await route.fulfill({ contentType, body: this.files.get(name) ?? '' });
    });
    // tsx wraps named functions in this helper of its own, which does not travel with them into the page.
    await page.addInitScript('globalThis.__name = (named) => named');
    await page.addInitScript(standInForVsCode, { theme: options.theme, kept: options.kept });
    await page.goto(`${ORIGIN}/`);
    await page.waitForSelector('main');
    return {
      page,
      complaints,
      send: async (message) => {
        await page.evaluate((data) => {
          window.postMessage(data, '*');
        }, message);
        // Messages arrive in order: when this one has, the page has taken the one before.
        await page.evaluate(
          () =>
            new Promise<void>((resolve) => {
              const channel = new MessageChannel();
              channel.port1.onmessage = () => requestAnimationFrame(() => { resolve(); });
              channel.port2.postMessage('');
            }),
        );
      },
      posted: () => page.evaluate(() => (window as unknown as { posted: FromPanel[] }).posted),
      kept: () => page.evaluate(() => (window as unknown as { kept: unknown }).kept),
      screenshot: async (name) => {
        await page.screenshot({ path: path.join(resultsFolder, 'panel', `${name}.png`), fullPage: true });
      },
      close: () => context.close(),
    };
  }

  async stop(): Promise<void> {
    await this.browser.close();
  }

  private html(): string {
    return panelPage({ script: `${ORIGIN}/panel.js`, style: `${ORIGIN}/panel.css`, source: ORIGIN, nonce: 'sample' });
  }
}

/** Runs in the page before its own script: VS Code's API, the theme's variables and the body's class. */
function standInForVsCode(given: { readonly theme: Theme; readonly kept: unknown }): void {
  const posted: unknown[] = [];
  let kept = given.kept;
  Object.defineProperties(window, {
    posted: { value: posted },
    kept: { get: () => kept },
    acquireVsCodeApi: {
      value: () => ({
        postMessage: (message: unknown) => posted.push(message),
        getState: () => kept,
        setState: (state: unknown) => {
          kept = state;
        },
      }),
    },
  });
  document.addEventListener('DOMContentLoaded', () => {
    document.body.classList.add(given.theme.bodyClass);
    for (const [name, value] of Object.entries(given.theme.variables)) {
      document.documentElement.style.setProperty(name, value);
    }
  });
}
