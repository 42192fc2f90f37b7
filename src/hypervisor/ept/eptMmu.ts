import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { RESUME } from '../../hardware/processor/rootMode';
import { EPTP } from '../../hardware/vmx/vmcs';
import { INVEPT } from '../../hardware/vmx/vmxInvalidations';
import { useGuestRegisters } from '../guestRegisters';
import type { GuestPdptes } from '../guestPdptes';
import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import type { TranslationSpace } from '../../hardware/paging/translationSpace';
import type { Rmode } from '../realMode/rmode';
import type { RestrictedGuest } from './restrictedGuest';
import { TdpMmu } from '../tdp/tdpMmu';
import type { VirtualMachine } from '../virtualMachine';
import type { WriteTracking } from '../writeTracking';
import { EPT_TABLES, SUPPRESSING_EPT_TABLES } from './eptFormat';
import type { InformationArea } from './informationArea';
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
    /** A guest that the processor runs with PE and PG 1; undefined: an unrestricted one. */
    readonly restricted?: RestrictedGuest,
    /** Where violations may become virtualization exceptions: of all vCPUs, in the order of their CPUs. */
    readonly areas: readonly InformationArea[] = [],
  ) {
    super(processor, vm, areas.length === 0 ? EPT_TABLES : SUPPRESSING_EPT_TABLES, rootFrame, tracking);
    this.pml = new Pml(processor, vm.host.reach, logFrame);
  }

  override get efer(): number {
    return this.restricted === undefined ? super.efer : this.vcpu.efer;
  }

  override guestTables(): TranslationSpace {
    const space = super.guestTables();
    if (this.restricted === undefined) return space;
    useGuestRegisters(space, this.processor.registers, this.cr0, this.cr4);
    space.useRoot(this.cr3Lo, this.cr3Hi);
    return space;
  }

  /** CR0 and CR4 as the guest has them: low halves. */
  get cr0(): number {
    return this.processor.visibleLo(REGISTER.cr0);
  }

  get cr4(): number {
    return this.processor.visibleLo(REGISTER.cr4);
  }

  /** CR3 as the guest has it: while a restricted one has paging off, the processor's is another. */
  get cr3Lo(): number {
    return this.restricted?.isPaging === false ? this.vcpu.cr3Lo : this.processor.registers[2 * REGISTER.cr3]!;
  }

  get cr3Hi(): number {
    return this.restricted?.isPaging === false ? this.vcpu.cr3Hi : this.processor.registers[2 * REGISTER.cr3 + 1]!;
  }

  get rmode(): Rmode {
    return this.restrictedGuest.rmode;
  }

  get guestPdptes(): GuestPdptes {
    return this.restrictedGuest.pdptes;
  }

  get guest(): { readonly memory: PhysicalMemory } {
    return this.vm.host;
  }

  /** What handlers of restricted guests work on. */
  get restrictedGuest(): RestrictedGuest {
    if (this.restricted === undefined) throw new Error('invariant: an unrestricted guest is treated as a restricted one');
    return this.restricted;
  }

  override setEfer(lo: number): number {
    if (this.restricted !== undefined) {
      this.restricted.setMode({ cr0: this.cr0, cr4: this.cr4, efer: lo });
      return RESUME.completed;
    }
    return super.setEfer(lo);
  }

  /** This vCPU's. */
  get informationArea(): InformationArea {
    const area = this.areas[this.cpu - this.vm.processors[0]!.cpu];
    if (area === undefined) throw new Error('invariant: an information area where no violation becomes an exception');
    return area;
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
