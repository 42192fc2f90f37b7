import { EFER } from '../../hardware/processor/controlRegisters';
import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { RESUME } from '../../hardware/processor/rootMode';
import type { TranslationSpace } from '../../hardware/paging/translationSpace';
import { TLB_CONTROL, VMCB } from '../../hardware/svm/vmcb';
import { TdpMmu } from '../tdp/tdpMmu';
import type { VirtualMachine } from '../virtualMachine';
import { NPT_TABLES } from './nptFormat';

/** What the listing of npt works on: one virtual CPU, and the VM's nested tables. */
export class NptMmu extends TdpMmu {
  constructor(processor: Processor, vm: VirtualMachine, rootFrame: number) {
    super(processor, vm, NPT_TABLES, rootFrame);
  }

  /** In a guest the processor's has SVME, which the guest has not. */
  get efer(): number {
    return this.processor.registers[2 * REGISTER.efer]! & ~EFER.SVME;
  }

  setEfer(lo: number): number {
    this.processor.vmcb[VMCB.guest_efer] = lo | EFER.SVME;
    this.processor.registers[2 * REGISTER.efer] = lo | EFER.SVME;
    return RESUME.completed;
  }

  /** PDPTEs are read from memory at each walk, and no MOV has loaded them. APM Vol. 2, "Nested Paging". */
  override guestTables(): TranslationSpace {
    const space = super.guestTables();
    space.useTopEntriesInMemory();
    const { registers } = this.processor;
    space.useRoot(registers[2 * REGISTER.cr3]!, registers[2 * REGISTER.cr3 + 1]!);
    return space;
  }

  flushRemoteTlbs(): void {
    for (const processor of this.vm.processors) processor.svm.flushByTlbControl(TLB_CONTROL.guest);
  }

  vmcb(field: number): number {
    return this.processor.vmcb[field]!;
  }
}
