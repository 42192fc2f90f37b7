import { SVM_EXIT } from '../../hardware/svm/svmExitCodes';
import { EmulatingVcpu } from '../emulatingVcpu';
import { OwnTablesTechnique } from '../ownTablesTechnique';
import { makePermissionMaps, type PermissionMapAddresses } from '../permissionMaps';
import { prepareVmcb } from '../prepareVmcb';
import { handleSvmExit } from '../svmGuest';
import type { SlotListener } from '../slotListener';
import type { VirtualMachine } from '../virtualMachine';
import { emulateAccess, handleExit, instructionHandlers, unmapGfnRange, vcpuRun, walkOperand } from './handleExit';

/** A change of memory slots: nothing is made of them, and no processor holds a translation. */
const nothingKept: SlotListener = {
  flushShadowMemslot: () => undefined,
  invalidateMmioEntries: () => undefined,
  // Each write is marked as it is emulated.
  enableLogDirty: () => undefined,
  syncDirtyLog: () => undefined,
  updateCpuDirtyLogging: () => undefined,
  flushTlbs: () => undefined,
};

/**
 * Interpretation: each access of the guest exits, and software walks the guest's tables and makes it. The processor has a second
 * dimension without a single entry, so that nothing of the guest is within its reach.
 */
export class Interpret extends OwnTablesTechnique<EmulatingVcpu> {
  readonly name = 'interpret';
  private readonly maps: PermissionMapAddresses;

  constructor(vm: VirtualMachine) {
    super(vm, {
      listing: 'interpret.vmm',
      space: 'npt',
      rootLabel: 'nCR3, which maps nothing',
      procedures: [handleExit, emulateAccess, walkOperand, ...instructionHandlers, unmapGfnRange, vcpuRun],
      unmapGfnRange,
      makeMmu: (processor) => new EmulatingVcpu(processor, vm),
    });
    this.maps = makePermissionMaps(vm.host.memory);
    vm.slotKeeper.listener = nothingKept;
  }

  handleExit(cpu: number): number {
    return handleSvmExit(this.runner, handleExit, vcpuRun, this.mmus.of(cpu));
  }

  isWaiting(cpu: number): number {
    return this.mmus.of(cpu).vcpu.isHalted;
  }

  /** No VMRUN has anything to flush: nothing of the guest is ever cached. */
  prepare(cpu: number): void {
    const { vm, maps, rootFrame } = this;
    prepareVmcb(this.mmus.of(cpu).processor, {
      maps, intercepted: [SVM_EXIT.access, SVM_EXIT.invlpg], asid: vm.vpidOf(cpu), rootFrame, tags: 'on',
    });
  }
}
