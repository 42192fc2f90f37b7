import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import type { Processor } from '../../hardware/processor/processor';
import { SECONDARY, VMCS } from '../../hardware/vmx/vmcs';
import { LAST_LOG_ENTRY } from './logDirty';

const INDEX_MASK = 0xffff;

/** The page-modification log of one virtual CPU: a page of host memory that the processor fills from its end. */
export class Pml {
  /** `frame`: host frame of the log; -1: the VM's dirty pages are not logged by processors. */
  constructor(private readonly processor: Processor, private readonly memory: PhysicalMemory, private readonly frame: number) {}

  /** Puts the log into the VMCS, before VMLAUNCH. */
  prepare(): void {
    const { vmcs } = this.processor;
    if (this.frame < 0) return;
    vmcs[VMCS.pml_address] = this.frame << 12;
    vmcs[VMCS.pml_address + 1] = this.frame >>> 20;
    this.empty();
  }

  /** The processor logs from now on, or no more. */
  set isOn(isOn: boolean) {
    const { processor, frame } = this;
    if (frame < 0 || isOn === this.isOn) return;
    processor.vmcs[VMCS.secondary_controls]! ^= SECONDARY.enablePml;
    processor.reload();
  }

  get isOn(): boolean {
    return (this.processor.vmcs[VMCS.secondary_controls]! & SECONDARY.enablePml) !== 0;
  }

  /** Entries wait in the log. */
  get hasEntries(): boolean {
    return this.frame >= 0 && this.index !== LAST_LOG_ENTRY;
  }

  get index(): number {
    return this.processor.vmcs[VMCS.pml_index]! & INDEX_MASK;
  }

  empty(): void {
    this.processor.vmcs[VMCS.pml_index] = LAST_LOG_ENTRY;
  }

  entryLo(index: number): number {
    return this.memory.load32((this.frame << 12) | (index << 3), this.frame >>> 20);
  }

  entryHi(index: number): number {
    return this.memory.load32((this.frame << 12) | (index << 3) | 4, this.frame >>> 20);
  }
}
