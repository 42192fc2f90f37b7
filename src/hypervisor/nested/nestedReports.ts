import { setPair } from '../../hardware/events/eventBus';
import { ACTOR, KIND, SPACE, field } from '../../hardware/events/eventTable';
import { frameOfAddress } from '../../hardware/memory/frameNumber';
import { COUNTER } from '../../hardware/state/counters';
import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import { VMCS } from '../../hardware/vmx/vmcs';
import type { OperandPart } from '../writeTracking';
import type { NestedMmu } from './nestedMmu';

const BASIC_REASON = 0xffff;
const VECTOR_MASK = 0xff;
const EPT_ENTRY_BYTES = 8;

/** A judgement on an EPT violation of L2 (a `KIND` of faults), whose counter, if it has one, goes up. */
export function reportJudgement(mmu: NestedMmu, kind: number, counter: number | undefined, gpaLo: number, gpaHi: number, code: number): void {
  if (counter !== undefined) mmu.counters[counter]!++;
  if (!mmu.bus.on[kind]) return;
  const record = mmu.bus.begin(kind, ACTOR.vmm, mmu.cpu);
  setPair(record, field.gva.at, mmu.vmcs(VMCS.guest_linear_address), mmu.vmcs(VMCS.guest_linear_address + 1));
  setPair(record, field.gpa.at, gpaLo, gpaHi);
  record[field.code.at] = code;
  mmu.bus.commit();
}

/** The pending operation is about to write a table of EPT12. */
export function reportTrappedWrite(mmu: NestedMmu, { gpaLo, gpaHi, gvaLo, gvaHi }: OperandPart): void {
  const { processor, operand, change, bus } = mmu;
  const frame = mmu.memory.frameOf(frameOfAddress(gpaLo, gpaHi));
  const hpaLo = (frame << 12) | (gpaLo & 0xfff);
  const hpaHi = frame >>> 20;
  mmu.counters[COUNTER.page_table_writes_trapped]!++;
  if (!bus.on[KIND.page_table_write_trapped]) return;
  const record = bus.begin(KIND.page_table_write_trapped, ACTOR.vmm, mmu.cpu);
  setPair(record, field.gva.at, gvaLo, gvaHi);
  setPair(record, field.gpa.at, gpaLo, gpaHi);
  setPair(record, field.address.at, gpaLo, gpaHi);
  setPair(record, field.hpa.at, hpaLo, hpaHi);
  change.foresee(processor.pending, hpaLo, hpaHi, operand.skippedAt(gvaLo), EPT_ENTRY_BYTES);
  setPair(record, field.old.at, change.oldLo, change.oldHi);
  setPair(record, field.value.at, change.newLo, change.newHi);
  record[field.size.at] = operand.bytesAt(gvaLo);
  record[field.space.at] = SPACE.ept;
  bus.commit();
}

/** The exit to L1 that the VMCS tells of. */
export function reportNestedExit(mmu: NestedMmu): void {
  if (!mmu.bus.on[KIND.nested_vm_exit]) return;
  const record = mmu.bus.begin(KIND.nested_vm_exit, ACTOR.vmm, mmu.cpu);
  record[field.reason.at] = mmu.vmcs(VMCS.exit_reason) & BASIC_REASON;
  setPair(record, field.qualification.at, mmu.vmcs(VMCS.exit_qualification), mmu.vmcs(VMCS.exit_qualification + 1));
  setPair(record, field.gva.at, mmu.vmcs(VMCS.guest_linear_address), mmu.vmcs(VMCS.guest_linear_address + 1));
  setPair(record, field.gpa.at, mmu.vmcs(VMCS.guest_physical_address), mmu.vmcs(VMCS.guest_physical_address + 1));
  const reason = record[field.reason.at]!;
  const about = reason === EXIT_REASON.ept_violation || reason === EXIT_REASON.ept_misconfiguration ? field.gpa.at : field.gva.at;
  setPair(record, field.address.at, record[about]!, record[about + 1]!);
  record[field.vector.at] = mmu.vmcs(VMCS.exit_interruption_info) & VECTOR_MASK;
  record[field.code.at] = mmu.vmcs(VMCS.exit_interruption_error_code);
  mmu.bus.commit();
}

/** L1's VM entry by the current VMCS. */
export function reportNestedEntry(mmu: NestedMmu): void {
  if (!mmu.bus.on[KIND.nested_vm_entry]) return;
  const { words } = mmu.vmcs12;
  const record = mmu.bus.begin(KIND.nested_vm_entry, ACTOR.vmm, mmu.cpu);
  setPair(record, field.gpa.at, mmu.state.current << 12, mmu.state.current >>> 20);
  setPair(record, field.value.at, words[VMCS.guest_cr3]!, words[VMCS.guest_cr3 + 1]!);
  setPair(record, field.address.at, words[VMCS.eptp]!, words[VMCS.eptp + 1]!);
  mmu.bus.commit();
}
