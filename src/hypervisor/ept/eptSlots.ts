import { callAs } from '../callAs';
import type { ListingRunner } from '../listing';
import type { PerCpu } from '../perCpu';
import { TdpSlots } from '../tdp/tdpSlots';
import type { VirtualMachine } from '../virtualMachine';
import type { EptMmu } from './eptMmu';
import { enableLogDirty, flushPmlBuffer } from './logDirty';
import { markInformationAreas } from './virtualizationExceptions';

/** What a change of memory slots does to a VM's EPT, whose processors may keep logs. */
export class EptSlots extends TdpSlots<EptMmu> {
  constructor(
    private readonly vm: VirtualMachine, mmus: PerCpu<EptMmu>, runner: ListingRunner<EptMmu>,
    unmapGfnRange: (gfn: number, pages: number, actor: number) => void,
  ) {
    super(mmus, runner, enableLogDirty, unmapGfnRange);
  }

  override syncDirtyLog(actor: number): void {
    const first = this.mmus.ofActor(actor);
    if (first.areas.length > 0) callAs(this.runner, markInformationAreas, first, actor);
    for (const mmu of this.mmus) if (mmu.pml.hasEntries) callAs(this.runner, flushPmlBuffer, mmu, actor);
  }

  override updateCpuDirtyLogging(): void {
    for (const mmu of this.mmus) mmu.pml.isOn = this.vm.slots.logging > 0;
  }
}
