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
    if (first.areas.length > 0) {
      first.actor = actor;
      this.runner.call(markInformationAreas, first, actor, []);
      first.actor = first.cpu;
    }
    for (const mmu of this.mmus) {
      if (!mmu.pml.hasEntries) continue;
      mmu.actor = actor;
      this.runner.call(flushPmlBuffer, mmu, actor, []);
      mmu.actor = mmu.cpu;
    }
  }

  override updateCpuDirtyLogging(): void {
    for (const mmu of this.mmus) mmu.pml.isOn = this.vm.slots.logging > 0;
  }
}
