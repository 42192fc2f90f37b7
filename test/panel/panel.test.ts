import { strict as assert } from 'node:assert';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import type { WalkResponse } from '../../src/protocol/requests';
import { projectRoot } from '../vscode/harness/projectRoot';
import { PanelBench, type OpenPanel, type PanelOptions } from './openPanel';
import { themes, type Theme } from './themes';
import {
  faultAndRetry,
  largePagesAndViolation,
  nativeWalkDone,
  nestedWalkDone,
  nestedWalkHalfway,
  nestedWalkOneFurther,
  tlbHit,
} from './walkSamples';

const [dark] = themes as readonly [Theme, ...Theme[]];
const samples = { nativeWalkDone, nestedWalkHalfway, nestedWalkDone, tlbHit, faultAndRetry, largePagesAndViolation };

describe('the Page Walk panel', function () {
  this.timeout(120_000);
  let bench: PanelBench;
  let panel: OpenPanel | undefined;

  before(async () => {
    bench = await PanelBench.start();
  });
  afterEach(async () => {
    await panel?.close();
    panel = undefined;
  });
  after(async () => {
    await bench.stop();
  });

  async function open(walk?: WalkResponse, options: Partial<PanelOptions> = {}): Promise<OpenPanel> {
    panel = await bench.open({ theme: dark, width: 1200, ...options });
    if (walk !== undefined) await panel.send({ type: 'walk', walk });
    return panel;
  }

  it('asks for the present state once it is loaded, and says what it is told when nothing is stopped', async () => {
    const { page, posted, send } = await open();
    assert.deepEqual(await posted(), [{ type: 'ready' }]);
    await send({ type: 'empty', message: 'Start a scenario to see its page walks.' });
    assert.equal(await page.getByRole('status').textContent(), 'Start a scenario to see its page walks.');
    assert.equal(await page.getByRole('grid').count(), 0);
  });

  it('splits the address into its index fields over one ruler of bits', async () => {
    const { page } = await open(nativeWalkDone);
    const fields = page.getByRole('region', { name: 'Fields of gva:0x601018' }).getByRole('listitem');
    assert.deepEqual(await fields.locator('.name').allTextContents(), [
      'PML4, bits 47 to 39',
      'directory pointer, bits 38 to 30',
      'directory, bits 29 to 21',
      'table, bits 20 to 12',
      'offset, bits 11 to 0',
    ]);
    assert.equal(await fields.nth(2).locator('.bits').textContent(), '000000011');
    assert.equal(await fields.nth(2).locator('.value').textContent(), '0x3 = 3');
    const widths = await fields.evaluateAll((items) => items.map((item) => item.getBoundingClientRect().width));
    assert.ok(Math.abs((widths[4] ?? 0) / (widths[0] ?? 1) - 12 / 9) < 0.02, 'a box is as wide as its bits');
  });

  it('shows a walk of four levels as four cells that lead to the page frame', async () => {
    const { page } = await open(nativeWalkDone);
    assert.deepEqual(await titles(page), ['PML4E [0]', 'PDPTE [0]', 'PDE [3]', 'PTE [1]', 'page frame']);
    const leaf = page.getByRole('gridcell', { name: /^reference 4 PTE/ });
    assert.match((await leaf.textContent()) ?? '', /hpa:0x5000.*0x8000000000006067/s);
    assert.equal(await leaf.getByRole('img').getAttribute('aria-label'), 'P 1, RW 1, US 1, XD 1, A 1, D 1');
    assert.equal(await text(page.getByRole('heading', { name: /guest tables/ })), 'guest tables4 references');
    assert.match((await page.locator('.outcome').textContent()) ?? '', /maps hpa:0x6000/);
  });

  it('shows a nested walk as 24 numbered references, those made told from those ahead, one of them now', async () => {
    const { page } = await open(nestedWalkHalfway);
    const cells = page.locator('[data-number]');
    assert.equal(await cells.count(), 24);
    assert.equal(await page.locator('[data-number].made').count(), 13);
    const grid = page.getByRole('grid');
    assert.deepEqual(await grid.getByRole('columnheader').allTextContents(), [
      'translating', 'EPT PML4E', 'EPT PDPTE', 'EPT PDE', 'EPT PTE', 'guest entry',
    ]);
    const headers = await grid.getByRole('rowheader').allTextContents();
    assert.deepEqual(headers.map((text) => text.replace(/\s+/g, ' ').trim()), [
      'PML4E gpa:0x2000', 'PDPTE gpa:0x3000', 'PDE', 'PTE', 'final GPA',
    ]);
    const now = page.locator('[aria-current="step"]');
    assert.equal(await now.count(), 1);
    assert.equal(await text(now), 'reference 13 EPT PDE now hpa:0x111068 0x112037 RWXAD');
    assert.ok(await now.getByText('now').isVisible());
    assert.match((await page.getByRole('heading', { name: /guest tables through EPT/ }).textContent()) ?? '', /13 of 24/);
  });

  it('leaves the columns of levels that a large page made needless empty, and passes over them', async () => {
    const { page } = await open(largePagesAndViolation);
    const guestEntries = page.getByRole('grid').locator('.own');
    const left = await guestEntries.evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().left));
    const header = await page.getByRole('columnheader', { name: 'guest entry' }).boundingBox();
    assert.deepEqual(left, [header?.x, header?.x, header?.x]);
    await page.getByRole('gridcell', { name: /^reference 3 / }).click();
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-number')), '4');
    assert.match((await page.locator('.outcome').textContent()) ?? '', /EPT violation at gpa:0x5000/);
    assert.equal(await text(page.getByRole('rowheader').nth(3)), 'PTE');
    assert.equal(await page.locator('.lands').count(), 0);
  });

  it('moves the light and the decoded entry with each step', async () => {
    const { page, send } = await open(nestedWalkHalfway);
    await page.getByRole('gridcell', { name: /^reference 2 / }).click();
    await send({ type: 'walk', walk: nestedWalkOneFurther });
    assert.match(await text(page.locator('[aria-current="step"]')), /^reference 14 /);
    assert.ok(await page.getByRole('heading', { name: 'Reference 14: EPT PTE' }).isVisible());
    assert.equal(await page.getByRole('status').textContent(), nestedWalkOneFurther.message);
    await send({ type: 'walk', walk: nestedWalkHalfway });
    assert.match(await text(page.locator('[aria-current="step"]')), /^reference 13 /);
  });

  it('names a flag that the walk itself set', async () => {
    const { page } = await open(nestedWalkDone);
    const flags = page.getByRole('gridcell', { name: /^reference 5 PML4E/ }).getByRole('img');
    assert.match((await flags.getAttribute('aria-label')) ?? '', /A 1 set by this walk/);
    assert.match((await flags.textContent()) ?? '', /\+A/);
  });

  it('decodes the entry that is clicked', async () => {
    const { page } = await open(nestedWalkDone);
    await page.getByRole('gridcell', { name: /^reference 20 PTE/ }).click();
    assert.ok(await page.getByRole('heading', { name: 'Reference 20: PTE' }).isVisible());
    const row = page.getByRole('row', { name: /^2 US/ });
    assert.equal((await row.textContent())?.replace(/\s+/g, ' ').trim(), '2 US 1 user-mode accesses are allowed');
    assert.deepEqual(await page.locator('.detail dd').allTextContents(), [
      'gpa:0x5000', 'hpa:0x1180a0', '0x8000000000006007', '0x8000000000006067',
    ]);
  });

  it('is walked by arrow keys, with one stop for Tab', async () => {
    const { page } = await open(nestedWalkHalfway);
    assert.equal(await page.locator('[data-number][tabindex="0"]').count(), 1);
    await page.getByRole('gridcell', { name: /^reference 13 / }).focus();
    const reached: string[] = [];
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp', 'End', 'Home', 'ArrowLeft']) {
      await page.keyboard.press(key);
      reached.push(await page.evaluate(() => (document.activeElement as HTMLElement).dataset['number'] ?? 'none'));
    }
    assert.deepEqual(reached, ['14', '19', '18', '13', '15', '11', '11']);
    assert.equal(await page.locator('[data-number][tabindex="0"]').getAttribute('data-number'), '11');
    assert.ok(await page.getByRole('heading', { name: 'Reference 11: EPT PML4E' }).isVisible());
  });

  it('of one row is walked up and down too: narrow panels stack it', async () => {
    const { page } = await open(faultAndRetry);
    const cell = page.locator('[data-number]').first();
    await cell.focus();
    const reached: string[] = [];
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'ArrowUp', 'ArrowUp']) {
      await page.keyboard.press(key);
      reached.push(await page.evaluate(() => (document.activeElement as HTMLElement).dataset['number'] ?? 'none'));
    }
    assert.deepEqual(reached, ['2', '3', '2', '1', '1']);
  });

  it('shows a TLB hit as one, with no walk', async () => {
    const { page } = await open(tlbHit);
    assert.match((await page.locator('.tlb').textContent()) ?? '', /TLB hit TLB line 12 maps gva:0x601000 to hpa:0x9000/);
    assert.equal(await page.getByRole('grid').count(), 0);
  });

  it('keeps the walk that faulted and the one after it as tabs', async () => {
    const { page } = await open(faultAndRetry);
    const tabs = page.getByRole('tab');
    assert.equal(await tabs.count(), 2);
    assert.equal(await tabs.nth(1).getAttribute('aria-selected'), 'true');
    await tabs.nth(1).focus();
    await page.keyboard.press('ArrowLeft');
    assert.equal(await tabs.nth(0).getAttribute('aria-selected'), 'true');
    assert.match((await page.getByRole('tabpanel').textContent()) ?? '', /page fault, error code 0x6: the PDE is not present/);
    assert.equal(await page.locator('[data-number].made').count(), 3);
    assert.match((await page.locator('.lands').textContent()) ?? '', /none/);
  });

  it('leads from the access to its line', async () => {
    const { page, posted } = await open(nativeWalkDone);
    await page.getByRole('button', { name: /user store of 8 bytes at gva:0x601018/ }).click();
    assert.deepEqual((await posted()).at(-1), { type: 'reveal', path: 'scenarios/first-touch.guest', line: 21 });
  });

  it('comes back with tab and selection as they were', async () => {
    const first = await open(faultAndRetry);
    await first.page.getByRole('tab').nth(0).click();
    await first.page.getByRole('gridcell', { name: /^reference 2 / }).click();
    const kept = await first.kept();
    await first.close();
    const again = await open(faultAndRetry, { kept });
    assert.equal(await again.page.getByRole('tab').nth(0).getAttribute('aria-selected'), 'true');
    assert.ok(await again.page.getByRole('heading', { name: 'Reference 2: PDPTE' }).isVisible());
  });

  it('uses no colour of its own', () => {
    const folder = path.join(projectRoot, 'src/webview');
    const sheets = fs.readdirSync(folder).filter((file) => file.endsWith('.css'));
    const css = sheets.map((sheet) => fs.readFileSync(path.join(folder, sheet), 'utf8')).join('\n');
    assert.deepEqual(css.match(/#[0-9a-f]{3,8}\b|\b(?:rgb|hsl)a?\(/gi) ?? [], []);
    const known = new Set(themes.flatMap((theme) => Object.keys(theme.variables)));
    const used = new Set(css.match(/--vscode-[\w-]+/g));
    assert.deepEqual([...used].filter((name) => !known.has(name)), []);
  });

  it('cuts no address of a nested walk beside an editor', async () => {
    for (const width of [620, 700, 900]) {
      const { page } = await open(nestedWalkHalfway, { theme: themes[0]!, width });
      const cut = await page.locator('.made .address').evaluateAll((all) =>
        all.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ textContent }) => textContent));
      assert.deepEqual(cut, [], `at ${String(width)} pixels`);
    }
  });

  for (const theme of themes) {
    for (const width of [400, 1200]) {
      it(`is accessible and fits in ${theme.name} at ${String(width)} pixels`, async () => {
        const opened = await open(undefined, { theme, width });
        await opened.page.evaluate(fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
        for (const [name, walk] of Object.entries(samples)) {
          await opened.send({ type: 'walk', walk });
          assert.deepEqual(opened.complaints, [], `${name}: the content security policy holds and nothing fails`);
          assert.deepEqual(await axeViolations(opened.page), [], name);
          const tops = await opened.page.locator('.ruler .bits, .ruler .value').evaluateAll((boxes) =>
            boxes.map((box) => Math.round(box.getBoundingClientRect().top)));
          assert.equal(new Set(tops).size, 2, `${name}: the fields' digits stand in one line, their values in another`);
          const overflow = await opened.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(overflow <= 0, `${name} does not scroll sideways`);
          await opened.screenshot(`${theme.name}-${String(width)}-${name}`);
        }
      });
    }
  }
});

async function text(element: Locator): Promise<string> {
  return ((await element.textContent()) ?? '').replace(/\s+/g, ' ').trim();
}

async function titles(page: Page): Promise<readonly string[]> {
  const texts = await page.locator('.cell .title').allTextContents();
  return texts.map((text) => text.replace(/\s+/g, ' ').trim());
}

async function axeViolations(page: Page): Promise<readonly string[]> {
  return await page.evaluate(async () => {
    interface Violation {
      readonly id: string;
      readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
    }
    const axe = (window as unknown as { axe: { run(): Promise<{ violations: readonly Violation[] }> } }).axe;
    const { violations } = await axe.run();
    return violations.map((found) => `${found.id}: ${found.nodes[0]?.html ?? ''} ${found.nodes[0]?.failureSummary ?? ''}`);
  });
}
