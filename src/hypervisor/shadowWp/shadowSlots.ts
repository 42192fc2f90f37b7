import { callAs } from '../callAs';
import type { ListingRunner } from '../listing';
import type { PerCpu } from '../perCpu';
import type { SlotListener } from '../slotListener';
import { enableLogDirty, flushShadowMemslot } from './memslotChanges';
import type { ShadowMmu } from './shadowMmu';
import type { ShadowPages } from './shadowPages';
import type { Sptes } from './sptes';

/** What a change of memory slots does to a VM's shadow pages. Processors log nothing here: theirs would be linear addresses. */
export class ShadowSlots implements SlotListener {
  constructor(
    private readonly pages: ShadowPages, private readonly sptes: Sptes, private readonly mmus: PerCpu<ShadowMmu>,
    private readonly runner: ListingRunner<never>,
  ) {}

  flushShadowMemslot(gfn: number, pages: number, actor: number): void {
    callAs(this.runner, flushShadowMemslot, this.mmus.ofActor(actor) as never, actor, [gfn, 0, pages, 0]);
  }

  invalidateMmioEntries(actor: number): void {
    for (let page = 1; page < this.pages.end; page++) if (this.pages.isInUse(page)) this.sptes.zapMmio(page, actor);
  }

  enableLogDirty(gfn: number, pages: number, actor: number): void {
    callAs(this.runner, enableLogDirty, this.mmus.ofActor(actor) as never, actor, [gfn, 0, pages, 0]);
  }

  syncDirtyLog(): void {
    // Every write to a clean page has faulted: the bitmap has them all.
  }

  updateCpuDirtyLogging(): void {
    // No processor logs.
  }

  flushTlbs(actor: number): void {
    this.mmus.ofActor(actor).flushRemoteTlbs();
  }
}
