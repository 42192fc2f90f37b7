import type { Processor } from '../../hardware/processor/processor';
import { SECONDARY, VMCS } from '../../hardware/vmx/vmcs';
import type { HostReach } from '../hostReach';
import { LAST_LOG_ENTRY } from './logDirty';

const INDEX_MASK = 0xffff;

/** The page-modification log of one virtual CPU: a page of host memory that the processor fills from its end. */
export class Pml {
  /** `frame`: host frame of the log; -1: the VM's dirty pages are not logged by processors. */
  constructor(private readonly processor: Processor, private readonly memory: Pick<HostReach, 'load32'>, private readonly frame: number) {}

  /** Puts the log into the VMCS whose fields `set` writes, before VMLAUNCH. */
  prepare(set: (at: number, lo: number, hi: number) => void): void {
    if (this.frame < 0) return;
    set(VMCS.pml_address, this.frame << 12, this.frame >>> 20);
    set(VMCS.pml_index, LAST_LOG_ENTRY, 0);
  }

  /** The processor logs from now on, or no more. */
  set isOn(isOn: boolean) {
    const { processor, frame } = this;
    if (frame < 0 || isOn === this.isOn) return;
    processor.hypervisor.write(VMCS.secondary_controls, processor.hypervisor.read(VMCS.secondary_controls) ^ SECONDARY.enablePml, 0);
    processor.reload();
  }

  get isOn(): boolean {
    return (this.processor.hypervisor.read(VMCS.secondary_controls) & SECONDARY.enablePml) !== 0;
  }

  /** Entries wait in the log. */
  get hasEntries(): boolean {
    return this.frame >= 0 && this.index !== LAST_LOG_ENTRY;
  }

  get index(): number {
    return this.processor.hypervisor.read(VMCS.pml_index) & INDEX_MASK;
  }

  empty(): void {
    this.processor.hypervisor.write(VMCS.pml_index, LAST_LOG_ENTRY, 0);
  }

  entryLo(index: number): number {
    return this.memory.load32((this.frame << 12) | (index << 3), this.frame >>> 20);
  }

  entryHi(index: number): number {
    return this.memory.load32((this.frame << 12) | (index << 3) | 4, this.frame >>> 20);
  }
}
