import { strict as assert } from 'node:assert';
import * as path from 'node:path';
import { projectRoot } from '../harness/projectRoot';
import { Workbench } from '../harness/workbench';

/** Of test/vscode/workspace/two-stores.guest. */
const FIRST_STORE = 10;
const SECOND_STORE = 11;

describe('a person steps through a scenario', () => {
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

  it('from a breakpoint set in the gutter, on and back, until Shift+F5', async () => {
    await workbench.openFile('two-stores.guest');
    await workbench.setBreakpoint(FIRST_STORE);
    await workbench.startDebugging();
    await workbench.stoppedAt(FIRST_STORE);
    await workbench.screenshot('stopped-at-first-store');

    await workbench.press('step-over');
    await workbench.stoppedAt(SECOND_STORE);
    await workbench.press('step-back');
    await workbench.stoppedAt(FIRST_STORE);

    const guest = await workbench.tree('Guest Page Tables');
    await guest.row('PML4E').waitFor();
    await workbench.stopDebugging();
    assert.deepEqual(await workbench.notifications(), []);
  });
});
