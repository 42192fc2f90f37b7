/** Rights of a range or page. */
export type Rights = 'ro' | 'rw';

/** A frame as the model knows it: the word at its start, and how many hold it. */
interface Frame {
  word: number;
  holders: number;
}

interface Page {
  /** The range that promises the page; undefined when none does. */
  area: Rights | undefined;
  /** Mapped: the frame, whether a write passes, and whether it is one to copy first. */
  mapped: { frame: Frame; writable: boolean; copies: boolean } | undefined;
  /** Swapped out: the word. */
  swapped: number | undefined;
}

/** What a guest's processes hold, without page tables: what must come of the kernel library's procedures. */
export class KernelModel {
  private readonly pages: Map<number, Page>[];
  readonly alive: boolean[];

  constructor(processes: number, private readonly addresses: readonly number[]) {
    this.pages = Array.from({ length: processes }, () => new Map(addresses.map((address) => [address, nothing()])));
    this.alive = Array.from({ length: processes }, () => true);
  }

  page(process: number, address: number): Page {
    return this.pages[process]!.get(address)!;
  }

  /** A range declared in the scenario. */
  declare(process: number, address: number, rights: Rights, when: 'at boot' | 'lazily'): void {
    const page = this.page(process, address);
    page.area = rights;
    if (when === 'at boot') this.fill(page, 0);
  }

  /** A user load: what it gives, or `refused`. */
  load(process: number, address: number): number | 'refused' {
    const page = this.page(process, address);
    if (page.mapped === undefined && !this.touch(page)) return 'refused';
    return page.mapped!.frame.word;
  }

  store(process: number, address: number, word: number): 'done' | 'refused' {
    const page = this.page(process, address);
    if (page.mapped === undefined) {
      if (page.area !== 'rw') return 'refused';
      this.touch(page);
    }
    const mapped = page.mapped!;
    if (!mapped.writable) {
      if (!mapped.copies || page.area !== 'rw') return 'refused';
      if (mapped.frame.holders > 1) {
        mapped.frame.holders--;
        mapped.frame = { word: mapped.frame.word, holders: 1 };
      }
      mapped.writable = true;
      mapped.copies = false;
    }
    mapped.frame.word = word;
    return 'done';
  }

  mmap(process: number, address: number, rights: Rights): boolean {
    const page = this.page(process, address);
    if (page.area !== undefined) return false;
    page.area = rights;
    return true;
  }

  munmap(process: number, address: number): void {
    const page = this.page(process, address);
    if (page.area === undefined) return;
    if (page.mapped !== undefined) page.mapped.frame.holders--;
    this.pages[process]!.set(address, nothing());
  }

  /** The frame is not given back. */
  unmap(process: number, address: number): void {
    this.pages[process]!.set(address, nothing());
  }

  /** A fresh frame of zeros, mapped by hand where nothing is mapped and no range promises anything. */
  map(process: number, address: number, rights: Rights): void {
    this.page(process, address).mapped = { frame: { word: 0, holders: 1 }, writable: rights === 'rw', copies: false };
  }

  protect(process: number, address: number, rights: Rights): void {
    const page = this.page(process, address);
    if (page.area !== undefined) page.area = rights;
    if (page.mapped === undefined) return;
    page.mapped.copies = rights === 'rw' && page.mapped.frame.holders > 1;
    page.mapped.writable = rights === 'rw' && !page.mapped.copies;
  }

  /** Pages mapped by hand, outside of any range, are not handed on. */
  fork(parent: number, child: number): void {
    this.alive[child] = true;
    for (const address of this.addresses) {
      const page = this.page(parent, address);
      const inherited = nothing();
      if (page.area !== undefined) {
        inherited.area = page.area;
        if (page.swapped !== undefined) this.touch(page);
        if (page.mapped !== undefined) {
          const { mapped } = page;
          mapped.copies ||= mapped.writable;
          mapped.writable = false;
          mapped.frame.holders++;
          inherited.mapped = { ...mapped };
        }
      }
      this.pages[child]!.set(address, inherited);
    }
  }

  exit(process: number): void {
    for (const address of this.addresses) {
      const { area, mapped } = this.page(process, address);
      if (area !== undefined && mapped !== undefined) mapped.frame.holders--;
      this.pages[process]!.set(address, nothing());
    }
    this.alive[process] = false;
  }

  pageOut(process: number, address: number): boolean {
    const page = this.page(process, address);
    if (page.area === undefined || page.mapped === undefined) return false;
    page.swapped = page.mapped.frame.word;
    page.mapped.frame.holders--;
    page.mapped = undefined;
    return true;
  }

  /** True when nothing of the process is there: it may become somebody's child. */
  isEmpty(process: number): boolean {
    return this.addresses.every((address) => {
      const { area, mapped } = this.page(process, address);
      return area === undefined && mapped === undefined;
    });
  }

  private touch(page: Page): boolean {
    if (page.area === undefined) return false;
    this.fill(page, page.swapped ?? 0);
    page.swapped = undefined;
    return true;
  }

  private fill(page: Page, word: number): void {
    page.mapped = { frame: { word, holders: 1 }, writable: page.area === 'rw', copies: false };
  }
}

function nothing(): Page {
  return { area: undefined, mapped: undefined, swapped: undefined };
}
