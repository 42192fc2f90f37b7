import { strict as assert } from 'node:assert';
import type { PackedExtension } from '../../extension/packedExtension';
import { packExtension } from '../../extension/packedExtension';
import type { TreeView } from '../harness/treeView';
import { Workbench } from '../harness/workbench';

const SCENARIO = `/// Four moments.
machine { paging 4-level }
cpu 0 {
  user [0x601018] = 1
  user [0x601018] = 2
  user [0x601018] = 3
}
`;

const UNFOLDED = [
  'CR3 gpa:0x2000 (process p)4-level',
  'PML4E 0P RW US A → gpa:0x3000',
  'PDPTE 0P RW US A → gpa:0x4000',
  'PDE 0P RW US A → gpa:0x5000',
  'PTE 1P RW US A → gpa:0x6000',
];

describe('the views of a session whose tables and walks are scripted', function () {
  this.timeout(240_000);
  let packed: PackedExtension;
  let workbench: Workbench;
  let guest: TreeView;

  before(async () => {
    packed = await packExtension({ 'moments.guest': SCENARIO, 'broken.guest': `${SCENARIO}mistake\n` });
    workbench = await Workbench.open({ workspace: packed.workspace, extension: packed.folder });
    await workbench.openFile('moments.guest');
    await workbench.startDebugging();
    await workbench.showDebugSideBar();
    for (const title of ['Variables', 'Watch', 'Call Stack']) await fold(title);
    guest = await workbench.tree('Guest Page Tables');
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(`failed-${this.currentTest.title}`);
  });
  after(async () => {
    await workbench.close();
    packed.remove();
  });

  async function fold(title: string): Promise<void> {
    const header = workbench.page
      .locator('.pane-header')
      .filter({ has: workbench.page.locator(`.title:text-is("${title}")`) });
    if ((await header.getAttribute('aria-expanded')) === 'true') await header.locator('.title').click();
  }

  function panelStatus(text: string): Promise<void> {
    return workbench.webview().getByRole('status').filter({ hasText: text }).waitFor();
  }

  it('the panel opens beside the scenario at the first stop and shows the reference that is made now', async () => {
    await workbench.tab('Page Walk').waitFor();
    await panelStatus('Reading EPT PDE for the PDE at gpa:0x4000.');
    assert.match((await workbench.webview().locator('[aria-current="step"]').textContent()) ?? '', /13.*EPT PDE/s);
    await workbench.stoppedAt(3);
  });

  it('a tree unfolds to the leaf', async () => {
    for (const label of ['PML4E 0', 'PDPTE 0', 'PDE 0']) await guest.expand(label);
    await guest.row('PTE 1').waitFor();
    assert.deepEqual(await guest.rows(), UNFOLDED);
  });

  it('a step keeps the tree unfolded and marks what changed by a sign; the panel follows', async () => {
    await workbench.press('step-over');
    await guest.row('● P RW US A D → gpa:0x6000').waitFor();
    assert.equal((await guest.rows()).length, UNFOLDED.length);
    assert.match((await guest.row('PTE 1').getAttribute('aria-label')) ?? '', /changed since the stop before/);
    await panelStatus('Reading EPT PTE for the PDE at gpa:0x4000.');
    await workbench.page.locator('.statusbar-item').filter({ hasText: 'Stepped (step 1)' }).waitFor();
    await workbench.screenshot('views-after-a-step');
  });

  it('a step back returns the tree to what it was', async () => {
    await workbench.press('step-back');
    await guest.row('PTE 1P RW US A → gpa:0x6000').waitFor();
    await guest.row('●').waitFor({ state: 'detached' });
    assert.deepEqual(await guest.rows(), UNFOLDED);
    await panelStatus('Reading EPT PDE for the PDE at gpa:0x4000.');
  });

  it('"Break on Write to This Entry" adds a function breakpoint that the Breakpoints view shows', async () => {
    await guest.act('PTE 1', 'Break on Write to This Entry');
    const breakpoints = await workbench.tree('Breakpoints');
    await breakpoints.row('write:gpa:0x5008').waitFor();
  });

  it('a view without tables says why', async () => {
    await fold('Guest Page Tables');
    const ept = await workbench.tree('EPT / NPT');
    await workbench.page.getByText('EPT is not used by shadow-wp.').waitFor();
    assert.deepEqual(await ept.rows(), []);
    await fold('EPT / NPT');
    const shadow = await workbench.tree('Shadow Page Tables');
    await shadow.row('PML4E 0').waitFor();
  });

  it('a running scenario is said to run, and a pause brings the walk back', async () => {
    await workbench.press('continue');
    await panelStatus('The scenario is running');
    await workbench.press('pause');
    await panelStatus('Reading EPT PDE for the PDE at gpa:0x4000.');
  });

  it('the end of the session takes the views away and empties the panel, without complaint', async () => {
    await workbench.stopDebugging();
    await workbench.page
      .locator('.pane-header .title:text-is("Guest Page Tables")')
      .waitFor({ state: 'detached' });
    await panelStatus('Start a scenario with F5');
    assert.deepEqual(await workbench.notifications(), []);
  });

  it('a view says why it is empty in the next session too, and why a request failed', async () => {
    await workbench.startDebugging();
    await workbench.tree('EPT / NPT');
    await workbench.page.getByText('EPT is not used by shadow-wp.').waitFor();
    for (const line of [4, 5, 6]) {
      await workbench.press('step-over');
      await workbench.stoppedAt(line);
    }
    await workbench.page.getByText('The EPT of this moment cannot be read.').waitFor();
    await panelStatus('The TLB answered: no walk was made.');
    await workbench.stopDebugging();
  });

  it('an error of a scenario stands on its line, and goes away with it', async () => {
    await workbench.openFile('broken.guest');
    const squiggle = workbench.page.locator('.editor-group-container.active .squiggly-error');
    await squiggle.first().waitFor({ state: 'attached' });
    await workbench.page.keyboard.press('Control+End');
    await workbench.page.keyboard.press('ArrowUp');
    await workbench.page.keyboard.press('Control+Shift+K');
    await squiggle.first().waitFor({ state: 'detached' });
  });
});
