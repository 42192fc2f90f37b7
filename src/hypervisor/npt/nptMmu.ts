import type { Processor } from '../../hardware/processor/processor';
import { TLB_CONTROL } from '../../hardware/svm/vmcb';
import { TdpMmu } from '../tdp/tdpMmu';
import type { VirtualMachine } from '../virtualMachine';
import { NPT_TABLES } from './nptFormat';

/** What the listing of npt works on: one virtual CPU, and the VM's nested tables. */
export class NptMmu extends TdpMmu {
  constructor(processor: Processor, vm: VirtualMachine, rootFrame: number) {
    super(processor, vm, NPT_TABLES, rootFrame);
  }

  flushRemoteTlbs(): void {
    for (const processor of this.vm.processors) processor.svm.flushByTlbControl(TLB_CONTROL.guest);
  }

  vmcb(field: number): number {
    return this.processor.vmcb[field]!;
  }
}
