import type { StateClaims } from '../../hardware/state/registry';
import type { TrackedWords } from '../../hardware/state/trackedWords';

const USED = 0;
const HIGHEST = 1;

/**
 * The host's swap device: as many pages as `platform { swap SIZE }` gives it, each with how many host page-table entries name it
 * (Linux' swap_map; a merged page that goes out is named by several). Pages are numbered from 1, as an entry of 0 is none.
 *
 * The device is persistent memory above the host's RAM, whose page n is host frame `firstFrame + n - 1`: so what lies there is
 * memory like any other, which an inspector can read where it is. No table that a processor walks ever names these frames.
 */
export class SwapDevice {
  private readonly head: Int32Array;
  private readonly counts: TrackedWords;

  /** `firstFrame`: where the device begins; `pages`: its size, 0 when there is none. */
  constructor(registry: StateClaims, private readonly firstFrame: number, readonly pages: number) {
    this.head = registry.block('host.swap', 2);
    this.counts = registry.tracked('host.swap_map', 256);
  }

  /** Pages in use. */
  get used(): number {
    return this.head[USED]!;
  }

  /** Pages from 1 on that have ever been used: for listing them. */
  get highest(): number {
    return this.head[HIGHEST]!;
  }

  /** The lowest free page, or 0 when the device is full. It is taken by the first `name`. */
  findFree(): number {
    if (this.used >= this.pages) return 0;
    for (let page = 1; page <= this.head[HIGHEST]!; page++) if (this.countOf(page) === 0) return page;
    return this.head[HIGHEST]! + 1;
  }

  /** One more entry names `page`. */
  name(page: number): void {
    this.counts.ensure(page + 1);
    if (this.countOf(page) === 0) this.head[USED]!++;
    this.head[HIGHEST] = Math.max(this.head[HIGHEST]!, page);
    this.counts.write(page, this.countOf(page) + 1);
  }

  /** One fewer does; without any the page is free. */
  forget(page: number): void {
    if (this.countOf(page) === 0) throw new Error('invariant: a page of the swap device is freed that nothing names');
    this.counts.write(page, this.countOf(page) - 1);
    if (this.countOf(page) === 0) this.head[USED]!--;
  }

  countOf(page: number): number {
    return this.counts.words[page] ?? 0;
  }

  /** Host frame at which the contents of `page` lie. */
  frameOf(page: number): number {
    return this.firstFrame + page - 1;
  }
}
