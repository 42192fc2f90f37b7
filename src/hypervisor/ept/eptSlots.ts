import type { ListingRunner } from '../listing';
import type { PerCpu } from '../perCpu';
import type { SlotListener } from '../slotListener';
import type { VirtualMachine } from '../virtualMachine';
import type { EptMmu } from './eptMmu';
import { enableLogDirty, flushPmlBuffer } from './logDirty';

/** End of the guest frames that EPT can translate: 48 bits of guest-physical address. */
const FRAMES_END = 2 ** 36;

/** What a change of memory slots does to a VM's EPT. */
export class EptSlots implements SlotListener {
  constructor(
    private readonly vm: VirtualMachine, private readonly mmus: PerCpu<EptMmu>, private readonly runner: ListingRunner<EptMmu>,
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
    const mmu = this.mmus.ofActor(actor);
    mmu.actor = actor;
    this.runner.call(enableLogDirty, mmu, actor, [gfn, 0, pages, 0]);
    mmu.actor = mmu.cpu;
  }

  syncDirtyLog(actor: number): void {
    for (const mmu of this.mmus) {
      if (!mmu.pml.hasEntries) continue;
      mmu.actor = actor;
      this.runner.call(flushPmlBuffer, mmu, actor, []);
      mmu.actor = mmu.cpu;
    }
  }

  updateCpuDirtyLogging(): void {
    for (const mmu of this.mmus) mmu.pml.isOn = this.vm.slots.logging > 0;
  }

  flushTlbs(actor: number): void {
    this.mmus.ofActor(actor).flushRemoteTlbs();
  }
}
