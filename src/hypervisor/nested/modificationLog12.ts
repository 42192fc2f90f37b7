import { setPair } from '../../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import { frameOfAddress } from '../../hardware/memory/frameNumber';
import type { ModificationLogging } from '../../hardware/vmx/modificationLog';
import { VMCS } from '../../hardware/vmx/vmcs';
import type { NestedMmu } from './nestedMmu';

const LAST_ENTRY = 511;
const INDEX_MASK = 0xffff;
const PAGE_MASK = 0xfff;
const ENTRY_SHIFT = 3;

/**
 * The page-modification log that L1 has of L2. The processor that runs L2 keeps none: L2's first write to a page comes to L0, which sets the
 * dirty flag of EPT12 and writes the log (KVM's nested_vmx_write_pml_buffer). SDM Vol. 3, "Page-Modification Logging".
 */
export class ModificationLog12 implements ModificationLogging {
  constructor(private readonly mmu: NestedMmu) {}

  isFull(): boolean {
    return this.index > LAST_ENTRY;
  }

  append(gpaLo: number, gpaHi: number): void {
    const { mmu, index } = this;
    const lo = (mmu.field12(VMCS.pml_address) & ~PAGE_MASK) | (index << ENTRY_SHIFT);
    const hi = mmu.field12(VMCS.pml_address + 1);
    const pageLo = gpaLo & ~PAGE_MASK;
    const gfn = frameOfAddress(lo, hi);
    mmu.l1.back(gfn);
    mmu.l1.store32(lo, hi, pageLo);
    mmu.l1.store32(lo | 4, hi, gpaHi);
    mmu.vmcs12.set(VMCS.pml_index, (index - 1) & INDEX_MASK, 0);
    mmu.vmcs12.words[VMCS.pml_index] = (index - 1) & INDEX_MASK;
    if (!mmu.bus.on[KIND.page_modification_logged]) return;
    const frame = mmu.memory.frameOf(gfn);
    const record = mmu.bus.begin(KIND.page_modification_logged, ACTOR.vmm, mmu.cpu);
    setPair(record, field.gpa.at, pageLo, gpaHi);
    setPair(record, field.hpa.at, (frame << 12) | (lo & PAGE_MASK), frame >>> 20);
    record[field.index.at] = index;
    mmu.bus.commit();
  }

  private get index(): number {
    return this.mmu.field12(VMCS.pml_index) & INDEX_MASK;
  }
}
