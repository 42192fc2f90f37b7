import { OPERATION } from '../hardware/paging/accessKinds';
import { OPERAND_PAGE } from '../hardware/processor/memoryInstructions';
import type { Processor } from '../hardware/processor/processor';
import type { HostReach } from './hostReach';
import type { DirtyLog } from './dirtyLog';

const PAGE_MASK = 0xfff;
const PAGE_BYTES = 0x1000;
/** High half of a host-physical address at which no memory is installed. */
const NOWHERE_HI = 0x7fffffff;
const NO_MEMORY = -1;

/**
 * The host-physical pages of an operand that the hypervisor reads or writes for the guest: one, or two when the
 * operand crosses a page boundary. Meaningful within one exit only.
 */
export class OperandPages {
  private firstLo = 0;
  private firstHi = 0;
  private firstGfn = NO_MEMORY;
  private nextLo = 0;
  private nextHi = 0;
  private nextGfn = NO_MEMORY;
  private readOnly = 0;

  /** `reach`: of the hypervisor's host to its frames. */
  constructor(private readonly processor: Processor, private readonly reach: HostReach) {}

  /** Does the operand lie in two pages? */
  get crosses(): boolean {
    const { pending } = this.processor;
    return (pending.gvaLo & PAGE_MASK) + pending.size > PAGE_BYTES;
  }

  /** Is it written? */
  get isWritten(): boolean {
    const { operation } = this.processor.pending;
    return operation === OPERATION.store || operation === OPERATION.readModifyWrite;
  }

  /** Linear address of the operand's first byte in the page that the exit at (`gvaLo`, …) is not about. */
  otherGva(gvaLo: number): { readonly lo: number; readonly hi: number } {
    const { pending } = this.processor;
    if (!this.isFirst(gvaLo)) return { lo: pending.gvaLo, hi: pending.gvaHi };
    const lo = (pending.gvaLo & ~PAGE_MASK) + PAGE_BYTES | 0;
    // As the processor does it: with addresses of 32 bits it goes on at 0.
    return { lo, hi: lo === 0 && this.processor.space.compiled.canonicalSign !== 0 ? pending.gvaHi + 1 | 0 : pending.gvaHi };
  }

  /** Bytes of the operand from (`gvaLo`, …) to the end of the operand or of the page. */
  bytesAt(gvaLo: number): number {
    const { pending } = this.processor;
    const inFirst = PAGE_BYTES - (pending.gvaLo & PAGE_MASK);
    if (pending.size <= inFirst) return pending.size;
    return this.isFirst(gvaLo) ? inFirst : pending.size - inFirst;
  }

  /** Bytes of the operand that lie before (`gvaLo`, …), in the page before. */
  skippedAt(gvaLo: number): number {
    return this.isFirst(gvaLo) ? 0 : this.processor.pending.size - this.bytesAt(gvaLo);
  }

  /**
   * The operand's page at (`gvaLo`, …) is guest frame `gfn`, in frame `hostFrame` of the host; -1: no memory answers there. `takes`:
   * what the page lets the guest do; what else it does goes nowhere.
   */
  set(gvaLo: number, gfn: number, hostFrame: number, takes: 'writes' | 'reads'): void {
    const frame = hostFrame < 0 ? hostFrame : this.reach.touch(hostFrame, takes === 'writes' && this.isWritten ? 'write' : 'read');
    const hi = frame < 0 ? NOWHERE_HI : frame >>> 20;
    const lo = (frame < 0 ? 0 : frame << 12) | (gvaLo & PAGE_MASK);
    const written = frame < 0 || takes === 'reads' ? NO_MEMORY : gfn;
    const page = this.isFirst(gvaLo) ? OPERAND_PAGE.first : OPERAND_PAGE.next;
    this.readOnly = (this.readOnly & ~page) | (takes === 'reads' ? page : 0);
    if (page === OPERAND_PAGE.first) {
      this.firstLo = lo;
      this.firstHi = hi;
      this.firstGfn = written;
    } else {
      this.nextLo = lo;
      this.nextHi = hi;
      this.nextGfn = written;
    }
  }

  /** Does the pending operation on the pages that were set. */
  perform(): void {
    const { processor, firstLo, firstHi, nextLo, nextHi, readOnly } = this;
    if (this.crosses) processor.perform(firstLo, firstHi, nextLo & ~PAGE_MASK, nextHi, readOnly);
    else if (firstHi === NOWHERE_HI) processor.completeWithoutDevice();
    else processor.perform(firstLo, firstHi, undefined, undefined, readOnly);
  }

  /** Tells who looks out for stores to page tables, as the processor does before a store that it makes itself. */
  tellStore(): void {
    const { pending, storeObserver } = this.processor;
    if (storeObserver === undefined || !this.isWritten) return;
    if (this.firstGfn !== NO_MEMORY) storeObserver.beforeStore(pending.gvaLo, pending.gvaHi, this.firstLo, this.firstHi, this.bytesAt(pending.gvaLo));
    if (!this.crosses || this.nextGfn === NO_MEMORY) return;
    const { lo, hi } = this.otherGva(pending.gvaLo);
    storeObserver.beforeStore(lo, hi, this.nextLo, this.nextHi, this.bytesAt(lo));
  }

  /** KVM's mark_page_dirty for each page that the operation has written, in a step of `cpu`. */
  markDirty(dirty: DirtyLog, cpu: number): void {
    if (!this.isWritten) return;
    if (this.firstGfn !== NO_MEMORY) dirty.mark(this.firstGfn, cpu);
    if (this.crosses && this.nextGfn !== NO_MEMORY) dirty.mark(this.nextGfn, cpu);
  }

  /** Guest frame that a part of the operand (0, or 1 for what lies in a next page) is written to; -1: none. */
  writtenGfn(part: number): number {
    if (!this.isWritten || part === 1 && !this.crosses) return NO_MEMORY;
    return part === 0 ? this.firstGfn : this.nextGfn;
  }

  private isFirst(gvaLo: number): boolean {
    return ((gvaLo ^ this.processor.pending.gvaLo) & ~PAGE_MASK) === 0;
  }
}
