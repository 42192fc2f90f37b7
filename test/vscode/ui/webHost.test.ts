import { strict as assert } from 'node:assert';
import * as path from 'node:path';
import { projectRoot } from '../harness/projectRoot';
import { Workbench } from '../harness/workbench';

/** Of test/vscode/workspace/two-stores.guest. */
const FIRST_STORE = 10;

describe('the extension in a browser, where its host and the language server are web workers', () => {
  let workbench: Workbench;
  const lens = (title: string) => workbench.page.locator('.codelens-decoration a').filter({ hasText: title });

  before(async () => {
    workbench = await Workbench.open({
      workspace: path.join(projectRoot, 'test', 'vscode', 'workspace'),
      settings: { 'remote.extensionKind': { 'pagewalk.pagewalk': ['web'] } },
    });
    await workbench.openFile('two-stores.guest');
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(`failed-web-${this.currentTest.title}`);
  });
  after(async () => {
    await workbench.close();
  });

  it('runs in a worker: bundles of the web are loaded, and in the lens the server has answered', async () => {
    await lens('Compare').waitFor();
    const fetched = await Promise.all(workbench.page.workers().map((worker) => worker.evaluate(
      () => performance.getEntriesByType('resource').map(({ name }) => decodeURIComponent(name)),
    )));
    assert.ok(fetched.flat().some((url) => url.includes('/dist/web/extension.js')), fetched.flat().join('\n'));
  });

  it('debugs by the lens, with the engine in the worker', async () => {
    await workbench.setBreakpoint(FIRST_STORE);
    await lens('Debug').click();
    await workbench.stoppedAt(FIRST_STORE);
  });

  it('steps forward and back, and stops where a filter of the Breakpoints view says', async () => {
    await workbench.press('step-over');
    await workbench.stoppedAt(FIRST_STORE + 1);
    await workbench.press('step-back');
    await workbench.stoppedAt(FIRST_STORE);
    await workbench.tickBreakpoint('EPT violation');
    await workbench.press('continue');
    await workbench.stoppedIn('user store [0x600000]');
    assert.match(await workbench.page.locator('.exception-widget').innerText(), /EPT violation at gpa:0x101000/);
    await workbench.untickBreakpoint('EPT violation');
  });

  it('has the tables and the panel of that moment', async () => {
    await (await workbench.tree('Guest Page Tables')).row('PML4E 0').waitFor();
    await workbench.webview().getByText('user store of 8 bytes at gva:0x600000').waitFor();
    await workbench.stopDebugging();
  });

  it('goes to the library, whose text the server sends', async () => {
    const { page } = workbench;
    await workbench.tab('two-stores.guest').click();
    await page.locator('.view-line span:text-is("switch")').first().click();
    await page.keyboard.press('F12');
    await workbench.tab('kernel.guest').waitFor();
    await page.locator('.editor-group-container.active .view-line').filter({ hasText: /procedure\sswitch\(/ }).first().waitFor();
    await workbench.tab('two-stores.guest').click();
  });

  it('compares the techniques', async () => {
    await lens('Compare').click();
    await workbench.tab('two-stores.guest compared').waitFor();
    await workbench.webviewWith('estimated cycles').waitFor();
    assert.deepEqual(await workbench.notifications(), []);
  });
});
