import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { RESUME } from '../../hardware/processor/rootMode';
import { VMCS } from '../../hardware/vmx/vmcs';
import { INVEPT } from '../../hardware/vmx/vmxInvalidations';
import { TdpMmu } from '../tdp/tdpMmu';
import type { VirtualMachine } from '../virtualMachine';
import type { WriteTracking } from '../writeTracking';
import { EPT_TABLES } from './eptFormat';
import { Pml } from './pml';

/** What the listing of ept works on: one virtual CPU, and the VM's EPT. */
export class EptMmu extends TdpMmu {
  readonly pml: Pml;

  constructor(
    processor: Processor, vm: VirtualMachine, rootFrame: number,
    /** Host frame of the page-modification log; -1: none. */
    logFrame: number,
    tracking?: WriteTracking,
  ) {
    super(processor, vm, EPT_TABLES, rootFrame, tracking);
    this.pml = new Pml(processor, vm.host.memory, logFrame);
  }

  get efer(): number {
    return this.processor.registers[2 * REGISTER.efer]!;
  }

  setEfer(lo: number): number {
    this.processor.vmcs[VMCS.guest_ia32_efer] = lo;
    this.processor.registers[2 * REGISTER.efer] = lo;
    return RESUME.completed;
  }

  vmcs(field: number): number {
    return this.processor.vmcs[field]!;
  }

  flushRemoteTlbs(): void {
    for (const processor of this.vm.processors) {
      // While a nested guest runs, the VMCS has another EPTP.
      if (this.tracking !== undefined) processor.vmxInvalidations.invept(INVEPT.all, 0, 0);
      else processor.invept(this.vmcs(VMCS.eptp), this.vmcs(VMCS.eptp + 1));
    }
  }
}
