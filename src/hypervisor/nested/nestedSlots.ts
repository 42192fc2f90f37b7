import type { SlotListener } from '../slotListener';

/** What a change of L1's memory slots does to its EPT, and to the EPT02 that its guests run with. */
export class NestedSlots implements SlotListener {
  constructor(
    private readonly ept: SlotListener,
    /** Nothing maps these frames of L1's any more, in EPT or EPT02, nor is made of tables of EPT12 in them. */
    private readonly flushAll: (gfn: number, pages: number, actor: number) => void,
    /** The same of EPT02 alone. */
    private readonly unmap02: (gfn: number, pages: number, actor: number) => void,
  ) {}

  flushShadowMemslot(gfn: number, pages: number, actor: number): void {
    this.flushAll(gfn, pages, actor);
  }

  invalidateMmioEntries(actor: number): void {
    this.ept.invalidateMmioEntries(actor);
  }

  /** What L2 writes is L1's memory too: its next access fills EPT02 anew, which withholds W as EPT does. */
  enableLogDirty(gfn: number, pages: number, actor: number): void {
    this.ept.enableLogDirty(gfn, pages, actor);
    this.unmap02(gfn, pages, actor);
  }

  syncDirtyLog(actor: number): void {
    this.ept.syncDirtyLog(actor);
  }

  updateCpuDirtyLogging(): void {
    this.ept.updateCpuDirtyLogging();
  }

  flushTlbs(actor: number): void {
    this.ept.flushTlbs(actor);
  }
}
