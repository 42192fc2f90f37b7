import { strict as assert } from 'node:assert';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectRoot } from '../harness/projectRoot';
import { TracedTables, traceOf } from '../harness/tracedTables';
import type { TreeView } from '../harness/treeView';
import { Workbench } from '../harness/workbench';

const SCENARIO = 'page-table-write.guest';
/** Indices of gva:0x600000 from the PML4E down. */
const WAY = [0, 0, 3];
/** Frames of the window within which a tree must be up to date. */
const FRAMES = 600;

/** Lines, from 1, of the guest's stores to its own page table. */
function linesOfStores(): number[] {
  const lines = fs.readFileSync(path.join(projectRoot, 'scenarios', SCENARIO), 'utf8').split('\n');
  return lines.flatMap((line, index) => (/^\s+entry \[slot\] \|?= /.test(line) ? [index + 1] : []));
}

describe('the shadow tree shows what the events of --trace add up to', function () {
  this.timeout(240_000);
  const trace = traceOf(SCENARIO, 'shadow-wp');
  let workbench: Workbench;
  let shadow: TreeView;
  before(async () => {
    workbench = await Workbench.open({ height: 1200 });
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(`failed-${this.currentTest.title}`);
  });
  after(async () => {
    await workbench.close();
  });

  /** Steps executed before the stop, as the status bar tells them. */
  async function step(): Promise<number> {
    const text = (await workbench.page.locator('.statusbar-item').filter({ hasText: /\(step \d+/ }).innerText());
    return Number(/\(step (\d+)/.exec(text)?.[1]);
  }

  /** The rows below the root that CR3 names: label and target. */
  async function rows(): Promise<string[]> {
    const all = await shadow.rows();
    const below = all.slice(all.findIndex((row) => row.includes('(CR3)')) + 1);
    const end = below.findIndex((row) => row.startsWith('shadow root'));
    return (end < 0 ? below : below.slice(0, end)).map((row) => {
      const [, label, target] = /^(\w+ \d+).*(→ hpa:0x[0-9a-f]+)/.exec(row) ?? [];
      return `${String(label)} ${String(target)}`;
    });
  }

  it('at a stop before each store to a page table, and one step behind it', async () => {
    const stores = linesOfStores();
    assert.ok(stores.length >= 2, `${SCENARIO} stores to its page table`);
    await workbench.openFile(SCENARIO);
    for (const line of stores) await workbench.setBreakpoint(line);
    await workbench.startDebugging();
    let isFirst = true;
    for (const line of stores) {
      await workbench.stoppedAt(line);
      if (isFirst) {
        for (const view of ['Variables', 'Watch', 'Call Stack', 'Loaded Scripts', 'Breakpoints']) await workbench.fold(view);
        shadow = await workbench.tree('Shadow Page Tables');
        for (const row of ['(CR3)', 'PML4E 0', 'PDPTE 0', 'PDE 3']) await shadow.expand(row);
        isFirst = false;
      }
      await agrees();
      await workbench.press('step-over');
      await workbench.stoppedAt(line + 1);
      await agrees();
      await workbench.press('continue');
    }
  });

  /** The tree is brought up to date a moment after the stop: it must come to agree. */
  async function agrees(): Promise<void> {
    const expected = new TracedTables(trace, 'shadow', await step()).rows(WAY);
    assert.ok(expected.length >= 4, 'the way to the page is there');
    let shown = await rows();
    for (let frames = 0; frames < FRAMES && shown.join() !== expected.join(); frames++) {
      await workbench.page.evaluate(() => new Promise(requestAnimationFrame));
      shown = await rows();
    }
    assert.deepEqual(shown, expected);
  }
});
