import type { Processor } from '../hardware/processor/processor';

const PAGE_MASK = 0xfff;
const PAGE_BYTES = 0x1000;
/** High half of a host-physical address at which no memory is installed. */
const NOWHERE_HI = 0x7fffffff;

/**
 * The host-physical pages of an operand that the hypervisor reads or writes for the guest: one, or two when the
 * operand crosses a page boundary. One of them is the page that the exit is about, the other is found by a walk of its
 * own. Meaningful within one exit only.
 */
export class OperandPages {
  private aboutLo = 0;
  private aboutHi = 0;
  private otherLo = 0;
  private otherHi = 0;

  constructor(private readonly processor: Processor) {}

  /** Does the operand lie in two pages? */
  get crosses(): boolean {
    const { pending } = this.processor;
    return (pending.gvaLo & PAGE_MASK) + pending.size > PAGE_BYTES;
  }

  /** Linear address of the operand's first byte in the page that the exit at (`gvaLo`, …) is not about. */
  otherGva(gvaLo: number): { readonly lo: number; readonly hi: number } {
    const { pending } = this.processor;
    if (!this.isFirst(gvaLo)) return { lo: pending.gvaLo, hi: pending.gvaHi };
    const lo = (pending.gvaLo & ~PAGE_MASK) + PAGE_BYTES | 0;
    return { lo, hi: lo === 0 ? pending.gvaHi + 1 | 0 : pending.gvaHi };
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

  /** The page that the exit is about lies in host frame `frame`; -1: no memory answers there. */
  setAbout(frame: number, gvaLo: number): void {
    this.aboutLo = (frame < 0 ? 0 : frame << 12) | (gvaLo & PAGE_MASK);
    this.aboutHi = frame < 0 ? NOWHERE_HI : frame >>> 20;
  }

  /** The same for the other page. */
  setOther(frame: number, gvaLo: number): void {
    this.otherLo = (frame < 0 ? 0 : frame << 12) | (gvaLo & PAGE_MASK);
    this.otherHi = frame < 0 ? NOWHERE_HI : frame >>> 20;
  }

  /** Does the pending operation on the pages that were set, for an exit about the page of (`gvaLo`, …). */
  perform(gvaLo: number): void {
    const { processor, aboutLo, aboutHi, otherLo, otherHi } = this;
    if (!this.crosses) processor.perform(aboutLo, aboutHi);
    else if (this.isFirst(gvaLo)) processor.perform(aboutLo, aboutHi, otherLo & ~PAGE_MASK, otherHi);
    else processor.perform(otherLo, otherHi, aboutLo & ~PAGE_MASK, aboutHi);
  }

  private isFirst(gvaLo: number): boolean {
    return ((gvaLo ^ this.processor.pending.gvaLo) & ~PAGE_MASK) === 0;
  }
}
