import { callAs } from '../callAs';
import type { ListingProcedure, ListingRunner } from '../listing';
import type { PerCpu } from '../perCpu';
import type { PageTrack } from '../technique';
import type { ShadowMmu } from './shadowMmu';

/** Writes to shadowed guest tables that no guest made: the shadow follows as it does behind a store that exits. */
export class ShadowPageTrack implements PageTrack {
  /** `trackWrite`: the procedure for them of this flavour's listing; undefined where a shadow stands for no tables. */
  constructor(
    private readonly mmus: PerCpu<ShadowMmu>, private readonly runner: ListingRunner<never>,
    private readonly trackWrite: ListingProcedure<never> | undefined,
  ) {}

  isTracked(gfn: number): boolean {
    const [mmu] = this.mmus;
    return this.trackWrite !== undefined && mmu!.isShadowed(gfn);
  }

  written(gpaLo: number, gpaHi: number, bytes: number, actor: number): void {
    const { trackWrite } = this;
    if (trackWrite === undefined) return;
    const mmu = this.mmus.ofActor(actor);
    mmu.mustFlush = 0;
    callAs(this.runner, trackWrite, mmu as never, actor, [gpaLo, gpaHi, bytes, 0]);
    if (mmu.mustFlush === 1) mmu.flushRemoteTlbs();
    mmu.mustFlush = 0;
  }
}
