import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { RESUME } from '../../hardware/processor/rootMode';
import { EPTP, VMCS } from '../../hardware/vmx/vmcs';
import { INVEPT } from '../../hardware/vmx/vmxInvalidations';
import { TdpMmu } from '../tdp/tdpMmu';
import type { VirtualMachine } from '../virtualMachine';
import type { WriteTracking } from '../writeTracking';
import { EPT_TABLES } from './eptFormat';
import { Pml } from './pml';

/** SDM Vol. 3, "EPT and Memory Typing". */
const WRITE_BACK = 6;

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
    this.processor.hypervisor.write(VMCS.guest_ia32_efer, lo, 0);
    this.processor.registers[2 * REGISTER.efer] = lo;
    return RESUME.completed;
  }

  /** VMREAD of the field whose low half is word `field` of `VMCS`: that half; the other is left in `vmcsHi`. */
  vmcs(field: number): number {
    return this.processor.hypervisor.read(field);
  }

  get vmcsHi(): number {
    return this.processor.hypervisor.hi;
  }

  /** EPTP of this EPT: write-back, with accessed and dirty flags. */
  get eptpLo(): number {
    return (this.rootFrame << 12) | WRITE_BACK | ((this.levels - 1) << EPTP.walkLengthShift) | EPTP.accessedDirty;
  }

  get eptpHi(): number {
    return this.rootFrame >>> 20;
  }

  flushRemoteTlbs(): void {
    for (const processor of this.vm.processors) {
      // While a nested guest runs, the VMCS has another EPTP.
      if (this.tracking !== undefined) processor.vmxInvalidations.invept(INVEPT.all, 0, 0);
      else processor.hypervisor.invept(this.eptpLo, this.eptpHi);
    }
  }
}
