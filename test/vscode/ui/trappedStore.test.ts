import { strict as assert } from 'node:assert';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectRoot } from '../harness/projectRoot';
import type { TreeView } from '../harness/treeView';
import { Workbench } from '../harness/workbench';

const SCENARIO = 'page-table-write.guest';

/** The row of the entry that maps the process's first page, before and after. */
const WITH_RW = /^\s*PTE 0(● )?P RW US/;
const WITHOUT_RW = /^\s*PTE 0(● )?P US/;

/** The line, from 1, on which the guest takes the write right out of its own PTE. */
function lineOfTheStore(): number {
  const lines = fs.readFileSync(path.join(projectRoot, 'scenarios', SCENARIO), 'utf8').split('\n');
  const index = lines.findIndex((line) => line.includes('entry [slot] = old & ~RW'));
  assert.ok(index >= 0, `${SCENARIO} takes a right away`);
  return index + 1;
}

describe('a guest stores to its own page table under shadow-wp', function () {
  this.timeout(240_000);
  const store = lineOfTheStore();
  let workbench: Workbench;
  let guest: TreeView;
  /** The rows of the guest's tree before the store. */
  let untouched: string[];

  before(async () => {
    workbench = await Workbench.open();
    await workbench.openFile(SCENARIO);
    await workbench.setBreakpoint(store);
    await workbench.startDebugging();
    await workbench.stoppedAt(store);
    for (const view of ['Variables', 'Watch', 'Loaded Scripts']) await workbench.fold(view);
    guest = await workbench.tree('Guest Page Tables');
    for (const row of ['CR3', 'PML4E 0', 'PDPTE 0', 'PDE 3']) await guest.expand(row);
    await guest.row(WITH_RW).waitFor();
    untouched = await entries();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(`failed-${this.currentTest.title}`);
  });
  after(async () => {
    await workbench.close();
  });

  /** The rows without the sign of change: what the tables hold. */
  async function entries(): Promise<string[]> {
    return (await guest.rows()).map((row) => row.replace(/● ?/, ''));
  }

  it('the values of its variables stand at the ends of the lines that name them', async () => {
    const valued = workbench.page.locator('.view-line').filter({ hasText: /slot\s=\sgva:0xffff/ });
    await valued.filter({ hasText: 'pte_at' }).waitFor();
    await valued.filter({ hasText: 'old' }).first().waitFor();
  });

  it('the filter page-table-write stops in the handler, its listing open, its frames above the store', async () => {
    await workbench.tickBreakpoint('Page-table write');
    await workbench.press('continue');
    await workbench.stoppedIn('shadow-wp.vmm');
    await workbench.tab('shadow-wp.vmm').waitFor();
    const stack = await workbench.callStackOtherThan([]);
    const guestFrames = stack.findIndex((frame) => !frame.includes('shadow-wp.vmm'));
    const access = stack.findIndex((frame) => frame.includes('store [') && frame.includes(SCENARIO));
    const cpu = stack.findIndex((frame) => frame.includes('cpu 0'));
    assert.ok(guestFrames > 0 && guestFrames <= access && access < cpu, stack.join(' / '));
    assert.deepEqual(await entries(), untouched, 'the store has not happened yet');
    await workbench.webview().getByText('store of 8 bytes').first().waitFor();
    await workbench.screenshot('trapped-store-dark');
  });

  it('stepping out of the handler ends behind the store, the entry without RW', async () => {
    for (let stack = await workbench.callStackOtherThan([]); stack.length > 1;) {
      await workbench.press('step-out');
      stack = await workbench.callStackOtherThan(stack);
    }
    await workbench.stoppedAt(store + 1);
    await guest.row(WITHOUT_RW).waitFor();
  });

  it('and going back to the breakpoint returns the trees to what they were', async () => {
    await workbench.press('reverse-continue');
    await workbench.stoppedIn('shadow-wp.vmm');
    await workbench.press('reverse-continue');
    await workbench.stoppedAt(store);
    await guest.row(WITH_RW).waitFor();
    assert.deepEqual(await entries(), untouched);
  });

  it('one step over the store marks the entry as changed, and one step back takes both away', async () => {
    await workbench.untickBreakpoint('Page-table write');
    await workbench.press('step-over');
    await workbench.stoppedAt(store + 1);
    await guest.row(WITHOUT_RW).filter({ hasText: '●' }).waitFor();
    await workbench.setTheme('vs');
    await workbench.screenshot('changed-entry-light');

    await workbench.press('step-back');
    await workbench.stoppedAt(store);
    await guest.row(WITH_RW).waitFor();
    assert.deepEqual(await entries(), untouched);
    assert.deepEqual(await workbench.notifications(), []);
  });

  it('the end of the session takes its listing along, and F5 starts the scenario again', async () => {
    await workbench.command('View: Open Next Editor'); // the toolbar lies over the listing's tab
    await workbench.page.locator('.tab.active').filter({ hasText: 'shadow-wp.vmm' }).waitFor();
    await workbench.stopDebugging();
    await workbench.tab('shadow-wp.vmm').waitFor({ state: 'detached' });
    await workbench.startDebugging();
    await workbench.stoppedAt(store);
    await workbench.page.keyboard.press('F10');
    await workbench.stoppedAt(store + 1);
    await workbench.page.keyboard.press('Control+F10');
    await workbench.stoppedAt(store);
    assert.deepEqual(await workbench.notifications(), []);
  });
});
