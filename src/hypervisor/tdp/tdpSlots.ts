import { callAs } from '../callAs';
import type { ListingProcedure, ListingRunner } from '../listing';
import type { PerCpu } from '../perCpu';
import type { SlotListener } from '../slotListener';
import type { TdpMmu } from './tdpMmu';

/** End of the guest frames that four levels can translate: 48 bits of guest-physical address. */
const FRAMES_END = 2 ** 36;

/** What a change of memory slots does to a VM's tables of the second dimension. */
export class TdpSlots<M extends TdpMmu> implements SlotListener {
  constructor(
    protected readonly mmus: PerCpu<M>, protected readonly runner: ListingRunner<M>, private readonly enableLog: ListingProcedure<M>,
    private readonly unmapGfnRange: (gfn: number, pages: number, actor: number) => void,
  ) {}

  /** Nothing is made of guest tables here: what maps the frames is all there is. */
  flushShadowMemslot(gfn: number, pages: number, actor: number): void {
    this.unmapGfnRange(gfn, pages, actor);
  }

  invalidateMmioEntries(actor: number): void {
    const { leaves } = this.mmus.ofActor(actor);
    for (let gfn = leaves.nextMmio(0, FRAMES_END); gfn >= 0; gfn = leaves.nextMmio(gfn + 1, FRAMES_END)) leaves.zap(gfn, actor);
  }

  enableLogDirty(gfn: number, pages: number, actor: number): void {
    callAs(this.runner, this.enableLog, this.mmus.ofActor(actor), actor, [gfn, 0, pages, 0]);
  }

  syncDirtyLog(_actor: number): void {
    // Writes have faulted, and are marked.
  }

  updateCpuDirtyLogging(): void {
    // No processor keeps a log.
  }

  flushTlbs(actor: number): void {
    this.mmus.ofActor(actor).flushRemoteTlbs();
  }
}
