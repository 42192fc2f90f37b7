import { reportBusError } from './busEvents';
import { setPair, type EventBus } from './eventBus';
import { ACTOR, field, KIND } from './eventTable';
import type { PhysicalMemory } from '../memory/physicalMemory';
import type { PendingOperation } from '../processor/rootMode';
import type { Tlb } from '../caches/tlb';
import { EXIT_REASON } from '../vmx/exitReasons';
import { SVM_EXIT } from '../svm/svmExitCodes';
import { VMCB } from '../svm/vmcb';
import { INTERRUPTION, VMCS } from '../vmx/vmcs';

const NMI = 2;
const PAGE_FAULT = 14;

/** What a processor tells of itself. Each report asks the bus first; a kind nobody wants costs that test. */
export class ProcessorEvents {
  constructor(private readonly bus: EventBus, private readonly cpu: number) {}

  /** As the bus has it, for places that are in a hurry. */
  get on(): Uint8Array {
    return this.bus.on;
  }

  access(pending: PendingOperation, access: number): void {
    const record = this.begin(KIND.access, ACTOR.guest);
    if (record === undefined) return;
    setPair(record, field.gva.at, pending.gvaLo, pending.gvaHi);
    setOperand(record, field.value.at, pending.operandLo, pending.operandHi, pending.size);
    record[field.size.at] = pending.size;
    record[field.what.at] = pending.operation;
    record[field.code.at] = access;
    this.bus.commit();
  }

  accessDone(pending: PendingOperation, hpaLo: number, hpaHi: number, valueLo: number, valueHi: number, oldLo: number, oldHi: number): void {
    const record = this.begin(KIND.access_done, ACTOR.guest);
    if (record === undefined) return;
    setPair(record, field.gva.at, pending.gvaLo, pending.gvaHi);
    setPair(record, field.hpa.at, hpaLo, hpaHi);
    setOperand(record, field.value.at, valueLo, valueHi, pending.size);
    setOperand(record, field.old.at, oldLo, oldHi, pending.size);
    record[field.size.at] = pending.size;
    record[field.what.at] = pending.operation;
    this.bus.commit();
  }

  tlbHit(tlb: Tlb, line: number, lo: number, hi: number): void {
    this.tlbLine(KIND.tlb_hit, tlb, line, lo, hi);
  }

  /** `outcome`: a `WALK`, what the tables in force give for the address by now; (nowLo, nowHi): where they have it. */
  staleTlbHit(tlb: Tlb, line: number, lo: number, hi: number, outcome: number, nowLo: number, nowHi: number): void {
    const record = this.begin(KIND.stale_tlb_hit, ACTOR.walker);
    if (record === undefined) return;
    this.putLine(record, tlb, line, lo, hi);
    setPair(record, field.address.at, nowLo, nowHi);
    record[field.what.at] = outcome;
    this.bus.commit();
  }

  tlbL2Hit(tlb: Tlb, line: number, lo: number, hi: number): void {
    this.tlbLine(KIND.tlb_l2_hit, tlb, line, lo, hi);
  }

  tlbMiss(lo: number, hi: number): void {
    this.at(KIND.tlb_miss, ACTOR.walker, lo, hi);
  }

  tlbFill(tlb: Tlb, line: number, lo: number, hi: number, level: number): void {
    this.tlbLine(KIND.tlb_fill, tlb, line, lo, hi, level);
  }

  tlbFlush(actor: number, cause: number, lo: number, hi: number): void {
    const record = this.begin(KIND.tlb_flush, actor);
    if (record === undefined) return;
    setPair(record, field.gva.at, lo, hi);
    record[field.what.at] = cause;
    this.bus.commit();
  }

  pageFault(lo: number, hi: number, vector: number, code: number, level: number): void {
    const record = this.begin(KIND.page_fault, ACTOR.walker);
    if (record === undefined) return;
    setPair(record, field.gva.at, lo, hi);
    record[field.vector.at] = vector;
    record[field.code.at] = code;
    record[field.level.at] = level;
    this.bus.commit();
  }

  exceptionDelivered(lo: number, hi: number, vector: number, code: number): void {
    const record = this.begin(KIND.exception_delivered, ACTOR.guest);
    if (record === undefined) return;
    setPair(record, field.gva.at, lo, hi);
    record[field.vector.at] = vector;
    record[field.code.at] = code;
    this.bus.commit();
  }

  interruptDelivered(vector: number): void {
    const record = this.begin(KIND.interrupt_delivered, ACTOR.guest);
    if (record === undefined) return;
    record[field.vector.at] = vector;
    this.bus.commit();
  }

  tripleFault(lo: number, hi: number, vector: number, code: number): void {
    const record = this.begin(KIND.triple_fault, ACTOR.guest);
    if (record === undefined) return;
    setPair(record, field.gva.at, lo, hi);
    record[field.vector.at] = vector;
    record[field.code.at] = code;
    this.bus.commit();
  }

  /** An access that event delivery or IRET makes of itself; `what`: a `SYSTEM_ACCESS`. */
  implicitAccess(lo: number, hi: number, hpaLo: number, hpaHi: number, valueLo: number, valueHi: number, size: number, what: number): void {
    const record = this.begin(KIND.implicit_access, ACTOR.guest);
    if (record === undefined) return;
    setPair(record, field.gva.at, lo, hi);
    setPair(record, field.hpa.at, hpaLo, hpaHi);
    setOperand(record, field.value.at, valueLo, valueHi, size);
    record[field.size.at] = size;
    record[field.what.at] = what;
    this.bus.commit();
  }

  /** An IPI as it arrives at CPU `target`; `mode`: a `DELIVERY_MODE`. */
  ipi(target: number, vector: number, mode: number): void {
    const record = this.begin(KIND.ipi, ACTOR.device);
    if (record === undefined) return;
    record[field.index.at] = target;
    record[field.vector.at] = vector;
    record[field.what.at] = mode;
    this.bus.commit();
  }

  /** A MOV to CR`index`, as the guest asks for it. */
  crWrite(index: number, lo: number, hi: number): void {
    this.registerValue(KIND.cr_write, index, lo, hi, 0, 0);
  }

  /** `index`: the leaf, port or MSR; (lo, hi): what is written to it. */
  systemInstruction(operation: number, index: number, lo: number, hi: number): void {
    const record = this.begin(KIND.system_instruction, ACTOR.guest);
    if (record === undefined) return;
    record[field.what.at] = operation;
    record[field.index.at] = index;
    setPair(record, field.value.at, lo, hi);
    this.bus.commit();
  }

  registerWrite(index: number, lo: number, hi: number, oldLo: number, oldHi: number): void {
    this.registerValue(KIND.register_write, index, lo, hi, oldLo, oldHi);
  }

  invlpg(lo: number, hi: number): void {
    this.at(KIND.invlpg, ACTOR.guest, lo, hi);
  }

  /** The exit that the VMCS tells of, and before it the EPT event that caused it. */
  vmExit(vmcs: Int32Array): void {
    const reason = vmcs[VMCS.exit_reason]!;
    if (reason === EXIT_REASON.ept_violation) this.exitRecord(KIND.ept_violation, ACTOR.walker, vmcs);
    if (reason === EXIT_REASON.ept_misconfiguration) this.exitRecord(KIND.ept_misconfiguration, ACTOR.walker, vmcs);
    this.exitRecord(KIND.vm_exit, ACTOR.guest, vmcs);
  }

  vmEntry(vmcs: Int32Array): void {
    const record = this.begin(KIND.vm_entry, ACTOR.vmm);
    if (record === undefined) return;
    setPair(record, field.value.at, vmcs[VMCS.guest_cr3]!, vmcs[VMCS.guest_cr3 + 1]!);
    setPair(record, field.address.at, vmcs[VMCS.eptp]!, vmcs[VMCS.eptp + 1]!);
    this.bus.commit();
  }

  /** The #VMEXIT that the VMCB tells of, under the VMX reason of its cause: EXITINFO1 stands where a qualification does. */
  svmExit(vmcb: Int32Array, reason: number): void {
    const record = this.begin(KIND.vm_exit, ACTOR.guest);
    if (record === undefined) return;
    const code = vmcb[VMCB.exitcode]!;
    record[field.reason.at] = reason;
    setPair(record, field.qualification.at, vmcb[VMCB.exitinfo1]!, vmcb[VMCB.exitinfo1 + 1]!);
    const inSecond = code === SVM_EXIT.npf || code === SVM_EXIT.access || code === SVM_EXIT.exception0 + PAGE_FAULT;
    if (inSecond || code === SVM_EXIT.invlpg) {
      const info = inSecond ? VMCB.exitinfo2 : VMCB.exitinfo1;
      for (const name of [code === SVM_EXIT.npf ? 'gpa' : 'gva', 'address'] as const) setPair(record, field[name].at, vmcb[info]!, vmcb[info + 1]!);
    }
    if (reason === EXIT_REASON.exception_nmi) {
      record[field.vector.at] = code === SVM_EXIT.nmi ? NMI : code - SVM_EXIT.exception0;
      record[field.code.at] = vmcb[VMCB.exitinfo1]!;
    }
    this.bus.commit();
  }

  vmrun(vmcb: Int32Array): void {
    const record = this.begin(KIND.vm_entry, ACTOR.vmm);
    if (record === undefined) return;
    setPair(record, field.value.at, vmcb[VMCB.guest_cr3]!, vmcb[VMCB.guest_cr3 + 1]!);
    setPair(record, field.address.at, vmcb[VMCB.n_cr3]!, vmcb[VMCB.n_cr3 + 1]!);
    this.bus.commit();
  }

  /** If no memory answers there. `what`: a `BUS_ACCESS`. */
  busError(memory: PhysicalMemory, lo: number, hi: number, what: number): void {
    reportBusError(memory, this.bus, this.cpu, lo, hi, what);
  }

  private exitRecord(kind: number, actor: number, vmcs: Int32Array): void {
    const record = this.begin(kind, actor);
    if (record === undefined) return;
    record[field.reason.at] = vmcs[VMCS.exit_reason]!;
    setPair(record, field.qualification.at, vmcs[VMCS.exit_qualification]!, vmcs[VMCS.exit_qualification + 1]!);
    const linear = reportsLinearAddress(vmcs) ? VMCS.exit_qualification : VMCS.guest_linear_address;
    setPair(record, field.gva.at, vmcs[linear]!, vmcs[linear + 1]!);
    setPair(record, field.gpa.at, vmcs[VMCS.guest_physical_address]!, vmcs[VMCS.guest_physical_address + 1]!);
    const about = addressField(vmcs, linear);
    setPair(record, field.address.at, vmcs[about]!, vmcs[about + 1]!);
    record[field.vector.at] = vmcs[VMCS.exit_interruption_info]! & 0xff;
    record[field.code.at] = vmcs[VMCS.exit_interruption_error_code]!;
    this.bus.commit();
  }

  private tlbLine(kind: number, tlb: Tlb, line: number, lo: number, hi: number, level = 0): void {
    const record = this.begin(kind, ACTOR.walker);
    if (record === undefined) return;
    this.putLine(record, tlb, line, lo, hi);
    record[field.level.at] = level;
    this.bus.commit();
  }

  private putLine(record: Int32Array, tlb: Tlb, line: number, lo: number, hi: number): void {
    const offset = lo & ((1 << tlb.shift(line)) - 1);
    setPair(record, field.gva.at, lo, hi);
    setPair(record, field.gpa.at, tlb.targetLo(line) | offset, tlb.targetHi(line));
    setPair(record, field.hpa.at, tlb.hpaLo(line) | offset, tlb.hpaHi(line));
    record[field.index.at] = line;
  }

  private registerValue(kind: number, index: number, lo: number, hi: number, oldLo: number, oldHi: number): void {
    const record = this.begin(kind, ACTOR.guest);
    if (record === undefined) return;
    record[field.index.at] = index;
    setPair(record, field.value.at, lo, hi);
    setPair(record, field.old.at, oldLo, oldHi);
    this.bus.commit();
  }

  private at(kind: number, actor: number, lo: number, hi: number): void {
    const record = this.begin(kind, actor);
    if (record === undefined) return;
    setPair(record, field.gva.at, lo, hi);
    this.bus.commit();
  }

  private begin(kind: number, actor: number): Int32Array | undefined {
    return this.bus.on[kind] === 0 ? undefined : this.bus.begin(kind, actor, this.cpu);
  }
}

/** The VMCS field of the address that the exit is about; `linear`: the one that has its linear address. */
function addressField(vmcs: Int32Array, linear: number): number {
  const reason = vmcs[VMCS.exit_reason]!;
  return reason === EXIT_REASON.ept_violation || reason === EXIT_REASON.ept_misconfiguration ? VMCS.guest_physical_address : linear;
}

/** INVLPG's and a page fault's qualification is the linear address. */
function reportsLinearAddress(vmcs: Int32Array): boolean {
  const reason = vmcs[VMCS.exit_reason]!;
  if (reason === EXIT_REASON.invlpg) return true;
  return reason === EXIT_REASON.exception_nmi && (vmcs[VMCS.exit_interruption_info]! & INTERRUPTION.vectorMask) === PAGE_FAULT;
}

/** Writes the bytes that an operand of `size` bytes has: what a register holds above them is not part of the access. */
function setOperand(record: Int32Array, at: number, lo: number, hi: number, size: number): void {
  setPair(record, at, size >= 4 ? lo : lo & ((1 << (8 * size)) - 1), size === 8 ? hi : 0);
}
