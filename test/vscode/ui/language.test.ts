import { strict as assert } from 'node:assert';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { projectRoot } from '../harness/projectRoot';
import { Workbench } from '../harness/workbench';

/** Of test/vscode/workspace/two-stores.guest. */
const FIRST_STORE = 10;

describe('a person writes a scenario', () => {
  let workbench: Workbench;
  /** A copy: what is typed here is saved by itself after a moment. */
  let workspace: string;
  const lens = (title: string) => workbench.page.locator('.codelens-decoration a').filter({ hasText: title });

  before(async () => {
    workspace = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-language-'));
    fs.cpSync(path.join(projectRoot, 'test', 'vscode', 'workspace'), workspace, { recursive: true });
    workbench = await Workbench.open({ workspace, settings: { 'files.autoSave': 'off' } });
    await workbench.openFile('two-stores.guest');
    await lens('Run').waitFor();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(`failed-${this.currentTest.title}`);
  });
  after(async () => {
    await workbench.close();
    fs.rmSync(workspace, { recursive: true });
  });

  it('reads what an address is made of under the pointer, in every theme', async () => {
    const { page } = workbench;
    for (const theme of ['vs', 'hc-light', 'hc-black', 'vs-dark'] as const) {
      await workbench.setTheme(theme);
      const hover = page.locator('.monaco-hover:visible').filter({ hasText: 'directory pointer' });
      // The pointer comes from elsewhere: over a word that it never left no second hover opens.
      for (let tries = 0; tries < 10 && (await hover.count()) === 0; tries++) {
        await page.mouse.move(700, 600);
        await page.locator('.view-line span:text("0x600000")').last().hover();
        await hover.waitFor({ timeout: 4000 }).catch(() => undefined);
      }
      assert.match(await hover.innerText(), /directory\s+29:21\s+3/);
      await workbench.screenshot(`hover-${theme}`);
    }
    await page.mouse.move(700, 600);
  });

  it('is offered procedures with their shape and comment, and fills their places', async () => {
    const { page } = workbench;
    await page.locator('.view-line').filter({ hasText: 'switch' }).first().click();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.keyboard.type('unma');
    const row = page.locator('.suggest-widget.visible .monaco-list-row').filter({ hasText: /^unmap/ });
    await row.first().waitFor();
    await workbench.screenshot('completion');
    await page.keyboard.press('Tab');
    await page.locator('.view-line').filter({ hasText: /unmap\(p,\saddress\)/ }).waitFor();
    await page.keyboard.press('ControlOrMeta+Shift+Space');
    await page.locator('.parameter-hints-widget.visible').filter({ hasText: 'unmap(process p, gva address)' }).waitFor();
    await workbench.screenshot('signature-help');
    for (const key of ['Escape', 'Escape', 'Escape']) await page.keyboard.press(key);
    for (let undone = 0; undone < 6; undone++) await page.keyboard.press('ControlOrMeta+Z');
    await page.locator('.view-line').filter({ hasText: 'unmap' }).waitFor({ state: 'detached' });
  });

  it('goes to the definition in the kernel library, which is coloured as a scenario is', async () => {
    const { page } = workbench;
    await page.locator('.view-line span:text-is("switch")').first().click();
    await page.keyboard.press('F12');
    await workbench.tab('kernel.guest').waitFor();
    await page.locator('.editor-group-container.active .view-line').filter({ hasText: /procedure\sswitch\(/ }).first().waitFor();
    await page.locator('#status\\.editor\\.mode').filter({ hasText: 'Guest Scenario' }).waitFor();
    await workbench.tab('two-stores.guest').click();
    await lens('Debug').waitFor();
  });

  it('debugs by the lens above the scenario', async () => {
    await workbench.setBreakpoint(FIRST_STORE);
    await lens('Debug').click();
    await workbench.stoppedAt(FIRST_STORE);
    await workbench.stopDebugging();
  });

  it('compares the techniques by the lens, on a page beside it', async () => {
    await lens('Compare').click();
    await workbench.tab('two-stores.guest compared').waitFor();
    const page = workbench.webviewWith('estimated cycles');
    await page.waitFor();
    await workbench.screenshot('comparison');
    assert.deepEqual(await workbench.notifications(), []);
  });
});
