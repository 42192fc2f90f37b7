import type { Processor } from '../../hardware/processor/processor';
import { SECONDARY, VMCS } from '../../hardware/vmx/vmcs';
import type { VcpuState } from '../vcpuState';

/**
 * The virtualization-exception information area of one vCPU: a page of the guest's that the processor writes by its host-physical address, past
 * EPT. While the host changes what backs it the VMCS must not name the old frame, and violations exit. SDM Vol. 3, "Virtualization Exceptions".
 */
export class InformationArea {
  constructor(private readonly processor: Processor, private readonly vcpu: VcpuState) {}

  /** The guest frame; -1: the guest has named none. */
  get gfn(): number {
    return this.vcpu.informationGfn;
  }

  /** The guest has named one, and the VMCS does not. */
  get isLost(): boolean {
    return this.gfn >= 0 && (this.controls & SECONDARY.eptViolationVe) === 0;
  }

  /** Host frame `frame` backs it, and "EPT-violation #VE" is 1. */
  use(gfn: number, frame: number): void {
    const { hypervisor } = this.processor;
    this.vcpu.informationGfn = gfn;
    hypervisor.write(VMCS.virtualization_exception_information_address, frame << 12, frame >>> 20);
    hypervisor.write(VMCS.secondary_controls, this.controls | SECONDARY.eptViolationVe, 0);
  }

  /** "EPT-violation #VE" is 0: the page is about to change, or to go. */
  lose(): void {
    this.processor.hypervisor.write(VMCS.secondary_controls, this.controls & ~SECONDARY.eptViolationVe, 0);
  }

  /** The guest's page is in no slot any more. */
  forget(): void {
    this.vcpu.informationGfn = -1;
  }

  private get controls(): number {
    return this.processor.hypervisor.read(VMCS.secondary_controls);
  }
}
