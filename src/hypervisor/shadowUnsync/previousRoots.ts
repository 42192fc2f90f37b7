import type { StateClaims } from '../../hardware/state/registry';
import type { ShadowPages } from '../shadowWp/shadowPages';

/** Words of one root: guest CR3 (low, high half) and the shadow page. */
const ROOT_WORDS = 3;
const PAGE = 2;
const PCID = 0xfff;

/**
 * The current root of one vCPU and those before it (KVM's `prev_roots`), each by the guest CR3 it was loaded with: going back
 * to one is a matter of finding it here. Roots here are pinned, but for the current one, which the vCPU pins.
 */
export class PreviousRoots {
  private readonly words: Int32Array;

  /** `most`: roots besides the current one. */
  constructor(registry: StateClaims, cpu: number, readonly most: number, private readonly pages: ShadowPages) {
    this.words = registry.block(`cpu${cpu}.shadow.previous_roots`, ROOT_WORDS * (most + 1));
  }

  /** Shadow page that is root for this guest CR3 and role, the current one included; 0: none is. */
  find(cr3Lo: number, cr3Hi: number, role: number): number {
    for (let i = 0; i <= this.most; i++) {
      const page = this.page(i);
      if (page !== 0 && this.isOf(i, cr3Lo, cr3Hi) && this.pages.roleOf(page) === role) return page;
    }
    return 0;
  }

  /** Shadow page of root `i` before the current one, from 1; 0: there is none. */
  page(i: number): number {
    return this.words[i * ROOT_WORDS + PAGE]!;
  }

  /** Forgets those before the current one. */
  forgetAll(): void {
    for (let i = 1; i <= this.most; i++) this.forget(i);
  }

  /** Forgets those that were loaded with the PCID of (`cr3Lo`, …), but for `page` itself. */
  forgetPcid(cr3Lo: number, page: number): void {
    for (let i = 1; i <= this.most; i++) {
      if (((this.words[i * ROOT_WORDS]! ^ cr3Lo) & PCID) === 0 && this.page(i) !== page) this.forget(i);
    }
  }

  /** (`cr3Lo`, `cr3Hi`, `page`) is current from now on; what was goes before it, and the oldest is forgotten. */
  makeCurrent(cr3Lo: number, cr3Hi: number, page: number): void {
    if (this.page(0) === page && this.isOf(0, cr3Lo, cr3Hi)) return;
    let gap = 1;
    while (gap < this.most && !(this.page(gap) === page && this.isOf(gap, cr3Lo, cr3Hi))) gap++;
    if (this.most > 0) {
      this.forget(gap);
      this.words.copyWithin(ROOT_WORDS, 0, gap * ROOT_WORDS);
      if (this.page(1) !== 0) this.pages.addRoot(this.page(1), 1);
    }
    this.words.set([cr3Lo, cr3Hi, page]);
  }

  private forget(i: number): void {
    if (this.page(i) !== 0) this.pages.addRoot(this.page(i), -1);
    this.words.fill(0, i * ROOT_WORDS, (i + 1) * ROOT_WORDS);
  }

  private isOf(i: number, cr3Lo: number, cr3Hi: number): boolean {
    return this.words[i * ROOT_WORDS] === cr3Lo && this.words[i * ROOT_WORDS + 1] === cr3Hi;
  }
}
