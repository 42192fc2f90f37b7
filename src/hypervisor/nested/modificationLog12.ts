import { ACTOR } from '../../hardware/events/eventTable';
import { frameOfAddress } from '../../hardware/memory/frameNumber';
import { ModificationLogging } from '../../hardware/vmx/modificationLogging';
import { VMCS } from '../../hardware/vmx/vmcs';
import type { NestedMmu } from './nestedMmu';

const PAGE_MASK = 0xfff;

/**
 * The page-modification log that L1 has of L2. The processor that runs L2 keeps none: L2's first write to a page comes to L0, which sets the
 * dirty flag of EPT12 and writes the log (KVM's nested_vmx_write_pml_buffer).
 */
export class ModificationLog12 extends ModificationLogging {
  constructor(private readonly mmu: NestedMmu) {
    super(mmu.bus, ACTOR.vmm, mmu.cpu);
  }

  protected get index(): number { return this.mmu.field12(VMCS.pml_index); }
  protected get pageLo(): number { return this.mmu.field12(VMCS.pml_address); }
  protected get pageHi(): number { return this.mmu.field12(VMCS.pml_address + 1); }

  protected write(lo: number, hi: number, gpaLo: number, gpaHi: number, nextIndex: number): void {
    const { l1, memory, vmcs12 } = this.mmu;
    const gfn = frameOfAddress(lo, hi);
    l1.back(gfn);
    l1.store32(lo, hi, gpaLo);
    l1.store32(lo | 4, hi, gpaHi);
    const frame = memory.frameOf(gfn);
    this.hpaLo = (frame << 12) | (lo & PAGE_MASK);
    this.hpaHi = frame >>> 20;
    vmcs12.set(VMCS.pml_index, nextIndex, 0);
    vmcs12.words[VMCS.pml_index] = nextIndex;
  }
}
