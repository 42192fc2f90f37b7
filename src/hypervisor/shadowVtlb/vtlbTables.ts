import type { StateClaims } from '../../hardware/state/registry';
import type { SpteWatcher } from '../shadowEntries';

const GVA_LO = 0;
const GVA_HI = 1;
const CPU = 2;
const WORDS = 3;

/**
 * Of each table of a virtual TLB the linear address at which what it covers begins, and whose it is: a virtual TLB stands for no
 * tables of the guest's, and each vCPU has its own.
 */
export class VtlbTables implements SpteWatcher {
  private readonly words: Int32Array;

  /** `limit`: how many shadow pages there may be. */
  constructor(registry: StateClaims, limit: number) {
    this.words = registry.block('shadow.vtlb', (limit + 1) * WORDS);
  }

  set(page: number, gvaLo: number, gvaHi: number, cpu: number): void {
    this.words.set([gvaLo, gvaHi, cpu], page * WORDS);
  }

  gvaLo(page: number): number {
    return this.words[page * WORDS + GVA_LO]!;
  }

  gvaHi(page: number): number {
    return this.words[page * WORDS + GVA_HI]!;
  }

  cpuOf(page: number): number {
    return this.words[page * WORDS + CPU]!;
  }

  linked(): void {
    // What a table covers is known when it is made.
  }

  removed(page: number): void {
    this.words.fill(0, page * WORDS, (page + 1) * WORDS);
  }
}
