import { brokeIntoDelivery } from '../commonExits';
import { handleSvmExit } from '../svmGuest';
import { enableLogDirtyOf } from '../tdp/enableLogDirty';
import { Tdp } from '../tdp/tdp';
import { TdpSlots } from '../tdp/tdpSlots';
import { unmapGfnRangeOf } from '../tdp/unmapGfnRange';
import type { VirtualMachine } from '../virtualMachine';
import { completeInterrupts, handleExit, instructionHandlers, vcpuRun } from './handleExit';
import { directPageFault, emulateAccess, handleMmioPageFault, npfInterception, walkOperand } from './nestedPageFault';
import { NPT_TABLES } from './nptFormat';
import { NptMmu } from './nptMmu';
import { makePermissionMaps, type PermissionMapAddresses } from '../permissionMaps';
import { prepareVmcb } from '../prepareVmcb';

const unmapGfnRange = unmapGfnRangeOf<NptMmu>(NPT_TABLES);
/** SVM has no log that the processor writes: the first write to a page faults. */
const enableLogDirty = enableLogDirtyOf<NptMmu>(NPT_TABLES, []);

/** Nested paging, by the nCR3 of a VMCB. */
export class Npt extends Tdp<NptMmu> {
  readonly name = 'npt';
  readonly slots: TdpSlots<NptMmu>;
  private readonly maps: PermissionMapAddresses;

  constructor(vm: VirtualMachine) {
    super(vm, {
      space: 'npt',
      rootLabel: 'nCR3',
      procedures: [
        handleExit, npfInterception, directPageFault, walkOperand, ...instructionHandlers, unmapGfnRange, handleMmioPageFault, emulateAccess,
        enableLogDirty, vcpuRun,
      ],
      unmapGfnRange,
      makeMmu: (processor, rootFrame) => new NptMmu(processor, vm, rootFrame),
    });
    this.maps = makePermissionMaps(vm.host.memory);
    this.slots = new TdpSlots(this.mmus, this.runner, enableLogDirty, (gfn, pages, actor) => this.unmapGfnRange(gfn, pages, actor));
    vm.slotKeeper.listener = this.slots;
  }

  handleExit(cpu: number): number {
    const mmu = this.mmus.of(cpu);
    if (brokeIntoDelivery(mmu.processor)) this.runner.run(completeInterrupts, mmu, cpu);
    return handleSvmExit(this.runner, handleExit, vcpuRun, mmu);
  }

  isWaiting(cpu: number): number {
    return this.mmus.of(cpu).vcpu.isHalted;
  }

  /** Each vCPU has an ASID of its own, as with VPIDs; 0 is the host's. */
  prepare(cpu: number): void {
    const { vm, maps, rootFrame } = this;
    prepareVmcb(this.mmus.of(cpu).processor, { maps, asid: vm.vpidOf(cpu), rootFrame, tags: vm.host.tags });
  }
}
