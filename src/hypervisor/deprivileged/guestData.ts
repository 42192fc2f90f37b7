import { GENERAL_PROTECTION, type SystemData, type SystemFault } from '../../hardware/delivery/systemAccess';
import { setPair } from '../../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import { ACCESS, OPERATION } from '../../hardware/paging/accessKinds';
import { isCanonical } from '../../hardware/paging/compiledFormat';
import { RETRY_LIMIT } from '../../hardware/processor/instructionEnd';
import { TRANSLATED } from '../../hardware/processor/linearTranslation';
import { PendingOperation, RESUME } from '../../hardware/processor/rootMode';
import { INTERRUPTION, VMCS } from '../../hardware/vmx/vmcs';
import type { DeprivilegedMmu } from './deprivilegedMmu';
import { emulateSystemAccess } from './emulateSystemAccess';

/** A page fault of the guest's stands in the way, or the VM is to stop. */
const REFUSED = 18;

/**
 * The guest's gates, descriptors, task state and stacks, as the hypervisor reads and writes them at the guest's linear addresses: each
 * access is the pending operation while `emulate_system_access` makes it; then `pending` tells again of what the guest was about.
 */
export class GuestData implements SystemData {
  lo = 0;
  hi = 0;
  private readonly kept = new PendingOperation();

  /** `raise`: an exception that is no page fault. */
  constructor(private readonly mmu: DeprivilegedMmu, private readonly raise: (vector: number, errorCode: number) => number) {}

  read(lo: number, hi: number, size: number, what: number, access: number = ACCESS.read | ACCESS.implicit, fault = GENERAL_PROTECTION): number {
    return this.make(OPERATION.load, lo, hi, size, 0, 0, what, access, fault);
  }

  write(
    lo: number, hi: number, size: number, valueLo: number, valueHi: number, what: number,
    access: number = ACCESS.write | ACCESS.implicit, fault = GENERAL_PROTECTION,
  ): number {
    return this.make(OPERATION.store, lo, hi, size, valueLo, valueHi, what, access, fault);
  }

  private make(
    operation: number, lo: number, hi: number, size: number, valueLo: number, valueHi: number, what: number, access: number, fault: SystemFault,
  ): number {
    const { mmu, kept } = this;
    if (!isCanonical(mmu.guestTables().compiled, hi)) return this.raise(fault.vector, fault.errorCode);
    const { pending } = mmu.processor;
    Object.assign(kept, pending);
    pending.beginAccess(operation, lo, hi, size, valueLo, valueHi);
    mmu.systemAccess = access;
    let answer: number = RESUME.retry;
    // Again where the host has changed a page in the meantime; a fault that has been injected is the end of it.
    for (let attempt = 0; answer === RESUME.retry && !this.hasInjected && attempt < RETRY_LIMIT; attempt++) answer = mmu.call(emulateSystemAccess);
    mmu.systemAccess = undefined;
    this.lo = operation === OPERATION.load ? pending.valueLo : valueLo;
    this.hi = operation === OPERATION.load ? pending.valueHi : valueHi;
    Object.assign(pending, kept);
    if (answer !== RESUME.completed) return REFUSED;
    this.tell(lo, hi, size, what);
    return TRANSLATED;
  }

  private get hasInjected(): boolean {
    return (this.mmu.vmcs(VMCS.entry_interruption_info) & INTERRUPTION.valid) !== 0;
  }

  private tell(lo: number, hi: number, size: number, what: number): void {
    const { bus, cpu, processor } = this.mmu;
    if (!bus.on[KIND.implicit_access]) return;
    const record = bus.begin(KIND.implicit_access, ACTOR.vmm, cpu);
    setPair(record, field.gva.at, lo, hi);
    setPair(record, field.hpa.at, processor.performedLo, processor.performedHi);
    setPair(record, field.value.at, this.lo, this.hi);
    record[field.size.at] = size;
    record[field.what.at] = what;
    bus.commit();
  }
}
