import { PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { rightsOfEntry } from '../../hardware/paging/entryRights';
import { frameInEntry } from '../../hardware/memory/frameNumber';
import { accessOf, entryBytesOf, guestIndexOf } from './role';
import type { ShadowMmu } from './shadowMmu';

/** Reserved bits of an entry that maps a 4-KByte page: level 1, leaf. */
const PTE_USE = 3;

/** What the guest's entry of a last-level table asks of the SPTE that stands for it. Overwritten by each `read`. */
export class GuestLeaf {
  lo = 0;
  hi = 0;
  /** Guest frame that the entry names, and the host frame behind it. */
  gfn = 0;
  frame = 0;
  /** W, U, X as role and entry give them, W only where a write needs not be seen. */
  rights = 0;
  key = 0;

  /** Reads the guest entry behind SPTE `index` of shadow page `sp`, whose mode is the guest's: true when it maps a backed page that was accessed. */
  read(mmu: ShadowMmu, sp: number, index: number): boolean {
    const role = mmu.pages.roleOf(sp);
    this.readEntry(mmu, sp, index);
    const { compiled } = mmu.guestTables();
    const { lo, hi } = this;
    const isClean = ((lo & compiled.reservedLo[PTE_USE]!) | (hi & compiled.reservedHi[PTE_USE]!)) === 0;
    if (!isClean || (lo & compiled.presentMask) === 0 || (lo & compiled.accessedMask) === 0) return false;
    this.gfn = frameInEntry(lo, hi);
    this.frame = mmu.memory.frameOf(this.gfn);
    this.rights = accessOf(role) & rightsOfEntry(compiled, lo, hi);
    if ((lo & compiled.dirtyMask) === 0 || mmu.isProtected(this.gfn) || mmu.memory.withholdsWrite(this.gfn) === 1) this.rights &= ~PAGE_RIGHTS.writable;
    this.key = (hi >>> compiled.keyShift) & compiled.keyMask;
    return this.frame >= 0;
  }

  /** The entry alone, in `lo` and `hi`: of a page that the host has not backed it is 0, of one that it has swapped out what the device holds. */
  readEntry({ pages, memory: slots, guest: { memory } }: ShadowMmu, sp: number, index: number): void {
    const role = pages.roleOf(sp);
    const bytes = entryBytesOf(role);
    const frame = slots.contentsOf(pages.gfnOf(sp));
    const at = (frame << 12) | (guestIndexOf(role, index) * bytes);
    this.lo = frame < 0 ? 0 : memory.load32(at, frame >>> 20);
    this.hi = frame < 0 || bytes === 4 ? 0 : memory.load32(at | 4, frame >>> 20);
  }
}
