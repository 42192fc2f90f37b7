import type { Processor } from '../../hardware/processor/processor';
import type { TranslationSpace } from '../../hardware/paging/translationSpace';
import { TLB_CONTROL } from '../../hardware/svm/vmcb';
import { setSvmGuestEfer, svmGuestEfer, usePdptesInMemory } from '../svmGuest';
import { TdpMmu } from '../tdp/tdpMmu';
import type { VirtualMachine } from '../virtualMachine';
import { NPT_TABLES } from './nptFormat';

/** What the listing of npt works on: one virtual CPU, and the VM's nested tables. */
export class NptMmu extends TdpMmu {
  constructor(processor: Processor, vm: VirtualMachine, rootFrame: number) {
    super(processor, vm, NPT_TABLES, rootFrame);
  }

  get efer(): number {
    return svmGuestEfer(this.processor);
  }

  setEfer(lo: number): number {
    return setSvmGuestEfer(this.processor, lo);
  }

  override guestTables(): TranslationSpace {
    return usePdptesInMemory(super.guestTables(), this.processor);
  }

  flushRemoteTlbs(): void {
    for (const processor of this.vm.processors) processor.svm.flushByTlbControl(TLB_CONTROL.guest);
  }

  vmcb(field: number): number {
    return this.processor.vmcb[field]!;
  }
}
