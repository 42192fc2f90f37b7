import { EventBus } from '../../../hardware/events/eventBus';
import { KIND, KIND_AT } from '../../../hardware/events/eventTable';
import type { PhysicalMemory } from '../../../hardware/memory/physicalMemory';
import { CR0, CR4, EFER } from '../../../hardware/processor/controlRegisters';
import { Processor, STATUS } from '../../../hardware/processor/processor';
import { REGISTER } from '../../../hardware/processor/registers';
import type { StateClaims } from '../../../hardware/state/registry';
import { RMW } from '../../../hardware/memory/readModifyWrite';
import { vmcsFields } from '../../../hardware/vmx/vmcs';
import type { VmcsAccess } from '../../../hardware/vmx/vmcsAccess';
import { INVEPT } from '../../../hardware/vmx/vmxInvalidations';
import { DIRECT_MAP_HI, L1_CR3 } from './directMap';

/** What a virtual CPU of L1's runs on. */
export interface GuestCpuParts {
  readonly registry: StateClaims;
  readonly memory: PhysicalMemory;
  readonly bus: EventBus;
  readonly cpu: number;
  /** The processor as L2 has it. */
  readonly l2: Processor;
}

/**
 * A virtual CPU of L1, a hypervisor of ours that is a guest itself: what its handlers do to memory and by VMX instructions it
 * executes in VMX non-root operation, and L0 has the exits. Its own accesses and walks are no events, as a hypervisor's never
 * are; its exits and entries are.
 */
export class GuestCpu implements VmcsAccess {
  hi = 0;
  readonly processor: Processor;

  constructor({ registry, memory, bus, cpu, l2 }: GuestCpuParts) {
    const quiet = new EventBus();
    quiet.listen((record) => {
      const kind = record[KIND_AT]!;
      if (!bus.on[kind]) return;
      bus.begin(kind, 0, cpu).set(record);
      bus.commit();
    }, [KIND.vm_exit, KIND.vm_entry]);
    this.processor = new Processor(registry, memory, quiet, cpu, { ...l2.settings, delivery: 'direct', walkCaches: 'off', apicId: cpu });
    const { registers } = this.processor;
    const set = (register: number, value: number): void => { registers[2 * register] = value; };
    set(REGISTER.cr0, CR0.PE | CR0.ET | CR0.NE | CR0.WP | CR0.PG);
    set(REGISTER.cr3, L1_CR3);
    set(REGISTER.cr4, CR4.PAE | CR4.VMXE);
    set(REGISTER.efer, EFER.LME | EFER.LMA | EFER.NXE);
  }

  read(at: number): number {
    this.done(this.processor.vmx.vmread(vmcsFields[at >> 1]!.encoding, 0));
    this.hi = this.processor.valueHi;
    return this.processor.valueLo;
  }

  write(at: number, lo: number, hi: number): void {
    this.done(this.processor.vmx.vmwrite(vmcsFields[at >> 1]!.encoding, 0, lo, hi));
  }

  invept(eptpLo: number, eptpHi: number): void {
    this.done(this.processor.vmx.invept(INVEPT.context, eptpLo, eptpHi));
  }

  /** A store of `size` bytes at L1's physical address. */
  store(lo: number, hi: number, size: number, valueLo: number, valueHi: number): void {
    this.done(this.processor.store(lo, DIRECT_MAP_HI + hi | 0, size, valueLo, valueHi));
  }

  /** Reads, or writes as it is, the first word of a frame of L1's. */
  touch(frame: number, how: 'read' | 'write'): void {
    const hi = DIRECT_MAP_HI + (frame >>> 20) | 0;
    this.done(how === 'read' ? this.processor.load(frame << 12, hi, 4) : this.processor.readModifyWrite(frame << 12, hi, 4, RMW.or, 0, 0));
  }

  /** L1 is right in what it does, and only L0 can stop it. */
  private done(status: number): void {
    if (status === STATUS.exception) throw new Error(`invariant: exception ${this.processor.vector} in a hypervisor of ours that is a guest`);
  }
}
