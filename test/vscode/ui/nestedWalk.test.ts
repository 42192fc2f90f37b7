import { strict as assert } from 'node:assert';
import * as path from 'node:path';
import { projectRoot } from '../harness/projectRoot';
import { Workbench } from '../harness/workbench';

/** Of test/vscode/workspace/two-stores.guest, which runs under EPT. */
const FIRST_STORE = 10;
/** 4 EPT references for each of 4 guest entries and for the final address, and the 4 guest entries themselves. */
const REFERENCES = 24;

describe('a person steps into a store under EPT', function () {
  this.timeout(300_000);
  let workbench: Workbench;
  before(async () => {
    workbench = await Workbench.open({ workspace: path.join(projectRoot, 'test', 'vscode', 'workspace') });
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(`failed-${this.currentTest.title}`);
  });
  after(async () => {
    await workbench.close();
  });

  const status = () => workbench.webview().getByRole('status');

  /** Presses a button and waits until the panel tells of another event. */
  async function move(button: 'step-into' | 'step-back'): Promise<void> {
    const before = (await status().textContent()) ?? '';
    await workbench.press(button);
    await status().filter({ hasNotText: before }).waitFor();
  }

  /** The number in the lit cell, or undefined before the first reference. */
  async function lit(): Promise<number | undefined> {
    const [text] = await workbench.webview().locator('[aria-current="step"]').allInnerTexts();
    const number = /reference\s+(\d+)/.exec(text ?? '')?.[1];
    return number === undefined ? undefined : Number(number);
  }

  it('and the lit cell goes through the 24 references of the nested walk one by one, and back', async () => {
    await workbench.openFile('two-stores.guest');
    await workbench.setBreakpoint(FIRST_STORE);
    await workbench.startDebugging();
    await workbench.stoppedAt(FIRST_STORE);

    const order: number[] = [];
    for (let steps = 0; steps < 4 * REFERENCES && order.length < REFERENCES; steps++) {
      await move('step-into');
      const now = await lit();
      if (now !== undefined && !order.includes(now)) order.push(now);
      if (order.length === REFERENCES / 2) await workbench.screenshot('nested-walk-dark');
    }
    assert.deepEqual(
      order,
      Array.from({ length: REFERENCES }, (_, i) => i + 1),
    );

    await move('step-back');
    assert.equal(await lit(), REFERENCES - 1);
  });

  it('and reads the same in a light theme', async () => {
    await workbench.setTheme('vs');
    assert.equal(await lit(), REFERENCES - 1);
    await workbench.screenshot('nested-walk-light');
  });

  it('without one complaint by the window', async () => {
    await workbench.stopDebugging();
    assert.deepEqual(await workbench.notifications(), []);
  });
});
