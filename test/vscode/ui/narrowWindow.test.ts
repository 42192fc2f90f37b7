import { strict as assert } from 'node:assert';
import type { Locator } from 'playwright-core';
import { Workbench } from '../harness/workbench';

describe('a window of 900 by 600', function () {
  this.timeout(240_000);
  let workbench: Workbench;

  before(async () => {
    workbench = await Workbench.open({ width: 900, height: 600 });
    await workbench.openFile('shootdown-race.guest');
    await workbench.startDebugging();
    await workbench.showDebugSideBar();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(`failed-${this.currentTest.title}`);
  });
  after(async () => {
    await workbench.close();
  });

  const rows = (kind: string): Locator => workbench.page.locator(`.debug-call-stack .monaco-list-row .${kind}`);

  /** What is drawn of the texts, as a share of their width. */
  function drawn(texts: Locator): Promise<number[]> {
    return texts.evaluateAll((elements) => elements.map((element) => element.clientWidth / element.scrollWidth));
  }

  it('shows the names of the CPUs whole beside what they stand at', async () => {
    await workbench.stoppedIn('First statement');
    assert.deepEqual(await drawn(rows('thread > .name')), [1, 1]);
    await workbench.command('Pagewalk: Go to Next VM Exit');
    await workbench.stoppedIn('At a VM exit');
    assert.deepEqual(await drawn(rows('thread > .name')), [1, 1]);
  });

  it('tells at once why a breakpoint that was written is bound to nothing', async () => {
    await workbench.command('Pagewalk: Break on Event');
    const input = workbench.page.locator('.quick-input-widget input');
    await workbench.page.locator('.quick-input-list .monaco-list-row').first().waitFor();
    await input.fill('exit:ept_violatoin if event.gpa > 0');
    await workbench.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'What you have typed' }).click();
    let told: string[];
    do told = await workbench.notifications();
    while (told.length === 0);
    assert.deepEqual(told, ['"exit:ept_violatoin" is no event, procedure or entry: did you mean "exit:ept_violation"?']);
  }).timeout(60_000);

  it('tells at once why a condition that was written is none', async () => {
    await workbench.tickBreakpoint('VM exit');
    const row = (await workbench.tree('Breakpoints')).row('VM exit');
    await row.hover();
    await row.locator('.action-label').first().click();
    await workbench.page.locator('.debug-breakpoints .monaco-inputbox input').waitFor();
    await workbench.page.keyboard.type('event.reasn == ept_violation');
    await workbench.page.keyboard.press('Enter');
    let told: string[];
    do told = await workbench.notifications();
    while (!told.some((text) => text.includes('reasn')));
  }).timeout(60_000);
});
