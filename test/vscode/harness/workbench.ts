import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Browser, FrameLocator, Locator, Page } from 'playwright-core';
import { launchChromium } from './chromium';
import { projectRoot, resultsFolder } from './projectRoot';
import { TreeView } from './treeView';
import { startVscodeServer } from './vscodeServer';
import type { VscodeServer } from './vscodeServer';

/** Buttons of the debug toolbar, by the name of their icon. */
export type DebugButton =
  | 'continue'
  | 'pause'
  | 'step-over'
  | 'step-into'
  | 'step-out'
  | 'step-back'
  | 'reverse-continue'
  | 'restart'
  | 'stop';

/** One theme of each kind, by the class that the workbench's page bears under that kind; names as the picker shows them. */
const themes = {
  'vs-dark': { name: 'Dark Modern', file: 'dark_modern' },
  vs: { name: 'Light Modern', file: 'light_modern' },
  'hc-black': { name: 'Dark High Contrast', file: 'hc_black' },
  'hc-light': { name: 'Light High Contrast', file: 'hc_light' },
} as const;
export type Theme = keyof typeof themes;

export interface WorkbenchOptions {
  /** Absolute path of the folder to open; scenarios/ of this checkout when left out. */
  readonly workspace?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Absolute path of the extension's folder; this checkout when left out. */
  readonly extension?: string;
  readonly width?: number;
  readonly height?: number;
}

const UNTIL = 60_000;

/** Settings on which the page object leans: every line of a file at a known place, no second row of buttons. */
const journeySettings = {
  'workbench.colorTheme': 'Dark Modern',
  'git.enabled': false,
  'editor.minimap.enabled': false,
  'editor.accessibilitySupport': 'off',
  'editor.stickyScroll.enabled': false,
  'debug.toolBarLocation': 'floating',
  'debug.internalConsoleOptions': 'neverOpen',
  'workbench.editor.enablePreview': false,
};

/**
 * A window of a real VS Code with the extension installed, driven as a person drives it: by what is seen. Each
 * method waits for its effect, for a minute at most, and throws Playwright's error when it does not come.
 */
export class Workbench {
  private constructor(
    private readonly server: VscodeServer,
    private readonly browser: Browser,
    readonly page: Page,
  ) {}

  /** Starts a server and a browser of its own. @throws Error of one sentence when either cannot run here. */
  static async open(options: WorkbenchOptions = {}): Promise<Workbench> {
    const server = await startVscodeServer({
      workspace: options.workspace ?? path.join(projectRoot, 'scenarios'),
      settings: { ...journeySettings, ...options.settings },
      installedExtension: options.extension ?? projectRoot,
      purpose: 'test',
    });
    let browser: Browser | undefined;
    try {
      browser = await launchChromium();
      const page = await browser.newPage({
        viewport: { width: options.width ?? 1400, height: options.height ?? 900 },
      });
      page.setDefaultTimeout(UNTIL);
      const workbench = new Workbench(server, browser, page);
      await page.goto(server.url([['skipWelcome', 'true']]));
      await page.waitForFunction(() => 'driver' in window);
      await page.evaluate(() =>
        (
          window as unknown as { driver: { whenWorkbenchRestored(): Promise<void> } }
        ).driver.whenWorkbenchRestored(),
      );
      return workbench;
    } catch (error) {
      await browser?.close();
      await server.stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
  }

  /** Opens a file of the workspace, by its name, through Quick Open. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press('ControlOrMeta+P');
    await this.pick(name, name);
    await this.page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
    await this.tab(name).waitFor();
    await this.page.locator('.monaco-editor .margin-view-overlays .line-numbers').first().waitFor();
  }

  /** The tab of an editor, by its label. */
  tab(label: string): Locator {
    return this.page.locator('.tabs-container .tab').filter({ hasText: label });
  }

  /** Runs a command by its title in the command palette, such as `Pagewalk: Show Page Walk`. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.pick(`>${title}`, title);
  }

  /** Sets a breakpoint by a click in the gutter beside `line` of the active editor. */
  async setBreakpoint(line: number): Promise<void> {
    const editor = this.page.locator('.editor-group-container.active .monaco-editor').first();
    await this.revealLine(line);
    const number = editor
      .locator('.margin-view-overlays .line-numbers')
      .filter({ hasText: new RegExp(`^${String(line)}$`) });
    const at = await number.boundingBox();
    const margin = await editor.locator('.margin').first().boundingBox();
    if (at === null || margin === null) throw new Error(`Line ${String(line)} has no gutter on the screen.`);
    const y = at.y + at.height / 2;
    const hint = editor.locator('.codicon-debug-hint');
    // The gutter takes clicks only once it has shown its hint under the pointer.
    for (let moved = 0; (await hint.count()) === 0; moved = (moved + 1) % 3) {
      await this.page.mouse.move(margin.x + 8 + moved, y);
      await hint
        .first()
        .waitFor({ state: 'attached', timeout: 1000 })
        .catch(() => undefined);
    }
    const before = await this.breakpointGlyphs().count();
    await this.page.mouse.down();
    await this.page.mouse.up();
    await this.breakpointGlyphs().nth(before).waitFor();
  }

  /** Red dots in the gutters of the visible editors. */
  breakpointGlyphs(): Locator {
    return this.page.locator(
      '.monaco-editor .codicon-debug-breakpoint, .monaco-editor .codicon-debug-breakpoint-conditional',
    );
  }

  /** Presses F5 and waits for the debug toolbar. */
  async startDebugging(): Promise<void> {
    await this.page.keyboard.press('F5');
    await this.page.locator('.debug-toolbar').waitFor();
  }

  /** Ends the session with Shift+F5. */
  async stopDebugging(): Promise<void> {
    await this.page.keyboard.press('Shift+F5');
    await this.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
  }

  async press(button: DebugButton): Promise<void> {
    await this.page.locator(`.debug-toolbar .codicon-debug-${button}`).click();
  }

  /** Waits until the program is stopped with `line` as the top frame's line in a visible editor. */
  async stoppedAt(line: number): Promise<void> {
    await this.page.waitForFunction(
      (wanted) =>
        [...document.querySelectorAll('.monaco-editor')].some((editor) => {
          const glyph = editor.querySelector(
            '.codicon-debug-stackframe, .codicon-debug-breakpoint-stackframe, .debug-top-stack-frame-line',
          );
          if (glyph === null) return false;
          const top = glyph.getBoundingClientRect().top;
          return [...editor.querySelectorAll('.margin-view-overlays .line-numbers')].some(
            (number) =>
              number.textContent.trim() === String(wanted) &&
              Math.abs(number.getBoundingClientRect().top - top) < 8,
          );
        }),
      line,
    );
  }

  /** Waits until a row of the call stack holds `text`. */
  async stoppedIn(text: string): Promise<void> {
    await this.rowsOf('.debug-call-stack').filter({ hasText: text }).first().waitFor();
  }

  /** What the rows of the call stack view say, from the top. */
  async callStack(): Promise<string[]> {
    return await this.rowsOf('.debug-call-stack').allInnerTexts();
  }

  /** Waits until the call stack is there, down to its `cpu N`, and differs from what it was; returns it. */
  async callStackOtherThan(before: readonly string[]): Promise<string[]> {
    const same = before.join('\n').replace(/\s+/g, ' ').trim();
    await this.page.waitForFunction((was) => {
      const rows = [...document.querySelectorAll('.debug-call-stack .monaco-list-row')];
      const now = rows.map((row) => (row as HTMLElement).innerText).join('\n');
      // VS Code shows the top frame first, alone, and asks for the others when the program stays stopped.
      if (!/^cpu \d/.test((rows.at(-1) as HTMLElement | undefined)?.innerText ?? '')) return false;
      return now.replace(/\s+/g, ' ').trim() !== was;
    }, same);
    return await this.callStack();
  }

  /** A tree in the side bar, by the title of its view; opened when it is folded. */
  async tree(title: string): Promise<TreeView> {
    return await TreeView.find(this.page, title);
  }

  /** Folds a view of the side bar, to make room for others. */
  async fold(title: string): Promise<void> {
    const header = this.page
      .locator('.pane-header')
      .filter({ has: this.page.locator(`.title:text-is("${title}")`) });
    if ((await header.getAttribute('aria-expanded')) === 'true') await header.locator('.title').click();
  }

  /** The Variables view. */
  async variables(): Promise<TreeView> {
    return await TreeView.find(this.page, 'Variables');
  }

  /** Ticks an exception filter or a breakpoint in the Breakpoints view, by the row's text. */
  async tickBreakpoint(text: string): Promise<void> {
    const breakpoints = await TreeView.find(this.page, 'Breakpoints');
    await breakpoints.row(text).locator('[role=checkbox]').check();
  }

  /** Takes the tick off again. */
  async untickBreakpoint(text: string): Promise<void> {
    const breakpoints = await TreeView.find(this.page, 'Breakpoints');
    await breakpoints.row(text).locator('[role=checkbox]').uncheck();
  }

  /** The inside of the open webview. */
  webview(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  }

  /** A cell of a table in whatever webview is open, by its text: VS Code's own Markdown preview is one. */
  webviewWith(cell: string): Locator {
    return this.webview().locator(`td:text-is("${cell}")`);
  }

  /** Opens the Run and Debug side bar. */
  async showDebugSideBar(): Promise<void> {
    await this.page.keyboard.press('ControlOrMeta+Shift+D');
    await this.page.locator('.debug-viewlet').waitFor();
  }

  async setTheme(theme: Theme): Promise<void> {
    const themed = this.page.locator(`.monaco-workbench.${theme}[class*="${themes[theme].file}"]`);
    if ((await themed.count()) > 0) return;
    await this.command('Preferences: Color Theme');
    await this.page.locator('.quick-input-widget input[placeholder*="Color Theme"]').waitFor();
    await this.page.locator('.quick-input-widget input').fill(themes[theme].name);
    const label = new RegExp(`^${themes[theme].name}$`);
    await this.page
      .locator('.quick-input-list .monaco-list-row .label-name')
      .filter({ hasText: label })
      .first()
      .click();
    await themed.waitFor();
  }

  /** Writes `test-results/NAME.png` and returns its path. */
  async screenshot(name: string): Promise<string> {
    fs.mkdirSync(resultsFolder, { recursive: true });
    const file = path.join(resultsFolder, `${name}.png`);
    await this.page.screenshot({ path: file });
    return file;
  }

  /** Texts of the notifications so far; a journey without mishap has none. Under test VS Code keeps them in the bell. */
  async notifications(): Promise<string[]> {
    const bell = this.page.locator('#status\\.notifications');
    await bell.click();
    const center = this.page.locator('.notifications-center.visible');
    await center.waitFor();
    const texts = await center.locator('.notification-list-item-message').allInnerTexts();
    await bell.click();
    await center.waitFor({ state: 'hidden' });
    return texts;
  }

  private async revealLine(line: number): Promise<void> {
    await this.page.keyboard.press('Control+G');
    await this.page.locator('.quick-input-widget input').fill(`:${String(line)}`);
    await this.page.keyboard.press('Enter');
    await this.page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  }

  /** Types into the quick input and takes the first row that holds `row`. */
  private async pick(typed: string, row: string): Promise<void> {
    await this.page.locator('.quick-input-widget input').fill(typed);
    await this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: row }).first().click();
  }

  private rowsOf(view: string): Locator {
    return this.page.locator(`${view} .monaco-list-row`);
  }
}
