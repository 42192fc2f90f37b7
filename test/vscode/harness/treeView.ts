import type { Locator, Page } from 'playwright-core';

/** A tree of the side bar, its rows found by their text. Rows scrolled out of sight do not exist for it. */
export class TreeView {
  private constructor(
    private readonly page: Page,
    private readonly pane: Locator,
    readonly title: string,
  ) {}

  /** Finds the view with this title and unfolds it. */
  static async find(page: Page, title: string): Promise<TreeView> {
    const named = page.locator(`.title:text-is("${title}")`);
    const header = page.locator('.pane-header').filter({ has: named });
    await header.waitFor();
    const open = page.locator('.pane-header[aria-expanded=true]').filter({ has: named });
    // At the very first stop Pagewalk opens a view itself: a click at that moment would fold it again.
    while ((await open.count()) === 0) {
      await header.locator('.title').click();
      await open.waitFor({ timeout: 1000 }).catch(() => undefined);
    }
    return new TreeView(page, page.locator('.pane').filter({ has: header }), title);
  }

  /** The first row that holds `text`, which is the label and at once behind it the description. */
  row(text: string | RegExp): Locator {
    return this.pane.locator('.monaco-list-row').filter({ hasText: text }).first();
  }

  /** What the rows say, from the top, with blanks between their parts made one. */
  async rows(): Promise<string[]> {
    const texts = await this.pane.locator('.monaco-list-row').allInnerTexts();
    return texts.map((text) => text.replace(/\s+/g, ' ').trim());
  }

  /** What stands in the view instead of rows. */
  async message(): Promise<string> {
    return (await this.pane.locator('.message, .welcome-view-content').allInnerTexts()).join(' ').trim();
  }

  /** Unfolds the row that holds `text` and waits until it is open. */
  async expand(text: string): Promise<void> {
    const row = this.row(text);
    await row.waitFor();
    if ((await row.getAttribute('aria-expanded')) === 'true') return;
    await row.locator('.monaco-tl-twistie').click();
    await this.pane.locator('.monaco-list-row[aria-expanded=true]').filter({ hasText: text }).first().waitFor();
  }

  /** Presses an inline action of a row, by the action's title. */
  async act(text: string, action: string): Promise<void> {
    await this.row(text).hover();
    await this.row(text).locator(`.action-label[aria-label^="${action}"]`).click();
  }

  /** Takes an entry of a row's context menu. */
  async choose(text: string, entry: string): Promise<void> {
    await this.row(text).click({ button: 'right' });
    await this.page
      .locator('.context-view .action-menu-item, .monaco-menu .action-menu-item')
      .filter({ hasText: entry })
      .first()
      .click();
  }
}
