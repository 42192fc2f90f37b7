import { ALL_RIGHTS } from '../../hardware/paging/accessRights';
import { CR4 } from '../../hardware/processor/controlRegisters';
import { indexAt } from '../host/hostProcess';
import { PAE_ROOT_LEVEL } from '../shadowWp/guestMode';
import { directRoleOf, isDirect, levelOf, roleOf } from '../shadowWp/role';
import { ShadowMmu } from '../shadowWp/shadowMmu';
import { GLOBAL_LEAF } from '../shadowWp/sptes';
import type { VtlbSptes } from './vtlbSptes';

const ENTRIES = 512;
/** Roots of a guest without a fourth level of tables. */
const PAE_ROOTS = 4;
/** Bits of a linear address's high half that choose entries: up to bit 56, with five levels. */
const INDEX_BITS_HI = 0x1ffffff;

/** What the listing of shadow-vtlb works on. */
export class VtlbMmu extends ShadowMmu {
  constructor(readonly vtlb: VtlbSptes, ...parts: ConstructorParameters<typeof ShadowMmu>) {
    super(...parts);
  }

  /** A virtual TLB stands for no tables, and keeps the guest from writing none. */
  override isShadowed(): boolean {
    return false;
  }

  /** SDM Vol. 3, "Global Pages": G means something while CR4.PGE is 1. */
  override get leafMarks(): number {
    const { key, global } = this.guest.result;
    return key | (global !== 0 && (this.cr4 & CR4.PGE) !== 0 ? GLOBAL_LEAF : 0);
  }

  /**
   * Role of a table: its level, and whether fragments of one large page of the guest's fill it. Of the guest's mode it has
   * nothing, since what changes that empties the virtual TLB, and rights are the leaves'.
   */
  roleAt(level: number, holds: 'fragments' | 'pages'): number {
    return holds === 'fragments' ? directRoleOf(0, level, ALL_RIGHTS, 0) : roleOf(0, level, ALL_RIGHTS, 0);
  }

  /** The topmost entry for (`gvaLo`, `gvaHi`) that is a leaf or leads to fragments of a large page, in `page` and `index`; false when there is none. */
  findEntry(gvaLo: number, gvaHi: number, found: { page: number; index: number }): boolean {
    const address = (gvaHi & INDEX_BITS_HI) * 0x100000 + (gvaLo >>> 12);
    let { page } = this.rootFor(gvaLo);
    for (;;) {
      const level = levelOf(this.pages.roleOf(page));
      const index = indexAt(address, level);
      const child = level === 1 ? 0 : this.sptes.childOf(page, index);
      if (level === 1 || child !== 0 && isDirect(this.pages.roleOf(child))) {
        found.page = page;
        found.index = index;
        return this.sptes.isPresent(page, index);
      }
      if (child === 0) return false;
      page = child;
    }
  }

  /** A page of 4 MBytes has two entries here. SDM Vol. 3, "32-Bit Paging". */
  hasTwin(page: number): boolean {
    return this.paging === '32-bit' && levelOf(this.pages.roleOf(page)) === 2;
  }

  /** Number of the next entry after `at` in this vCPU's tables of the last level that is present, and has no G unless `all` is 1: page * 512 + index; -1: no more. */
  nextLeaf(at: number, all: number): number {
    const { pages, sptes, vtlb: { tables } } = this;
    for (let next = Math.max(at + 1, ENTRIES); next < pages.end * ENTRIES; next++) {
      const page = next / ENTRIES | 0;
      if (!pages.isInUse(page) || levelOf(pages.roleOf(page)) !== 1 || tables.cpuOf(page) !== this.cpu) next = (page + 1) * ENTRIES - 1;
      else if (sptes.isPresent(page, next % ENTRIES) && (all === 1 || !sptes.isGlobal(page, next % ENTRIES))) return next;
    }
    return -1;
  }

  /** Roots that the processor needs: one, or one for each GByte behind PDPTEs. */
  get rootsNeeded(): number {
    return this.rootLevel === PAE_ROOT_LEVEL ? PAE_ROOTS : 1;
  }

  /** No root is this vCPU's any more. */
  dropRoots(): void {
    for (let i = 0; i < PAE_ROOTS; i++) {
      this.pinRoot(i, 0);
      if (this.vcpu.paeRoot !== 0) this.setPaeRoot(i, 0);
    }
  }
}
