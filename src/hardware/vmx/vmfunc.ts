import { VECTOR } from '../delivery/exceptions';
import { BUS_ACCESS } from '../memory/busAccess';
import { reportBusError } from '../events/busEvents';
import { type EventBus, setPair } from '../events/eventBus';
import { ACTOR, field, KIND } from '../events/eventTable';
import type { PhysicalMemory } from '../memory/physicalMemory';
import { OPERATION } from '../paging/accessKinds';
import { type InstructionEnd, RETRY_LIMIT } from '../processor/instructionEnd';
import { REGISTER } from '../processor/registers';
import { type PendingOperation, RESUME } from '../processor/rootMode';
import { brokenEptPointerRule, type EptProcessor } from './eptPointerRules';
import { EXIT_REASON } from './exitReasons';
import { SECONDARY, VM_FUNCTION, VMCS } from './vmcs';
import { secondaryControls } from './vmxTransitions';

/** EAX selects one of so many functions; what it could select beyond them is #UD. */
const FUNCTIONS = 64;
const EPTP_SWITCHING = 0;
const LIST_ENTRIES = 512;
const ENTRY_SHIFT = 3;
const PAGE_MASK = 0xfff;
const EPTP_INDEX_MASK = 0xffff;

/** Makes exits and exceptions of what has been decided; `Interruption`. */
export interface VmFunctionExitMaker {
  exit(reason: number, qualificationLo: number, qualificationHi: number): number;
  raise(vector: number, errorCode: number, lo: number, hi: number): number;
}

/** The parts of a processor that VM functions work on. */
export interface VmFunctionProcessor extends EptProcessor {
  readonly cpu: number;
  readonly registers: Int32Array;
  readonly vmcs: Int32Array;
  readonly memory: PhysicalMemory;
  readonly bus: EventBus;
  readonly pending: PendingOperation;
  readonly end: InstructionEnd;
  readonly interruption: VmFunctionExitMaker;
  /** Recomputes derived state. */
  readonly reload: () => void;
}

/**
 * VMFUNC, with EPTP switching, the one VM function there is. SDM Vol. 3, "VM Functions", "EPTP Switching". Nothing is
 * invalidated: what is cached is tagged with the EPT root that it came from.
 */
export class VmFunctions {
  constructor(private readonly processor: VmFunctionProcessor) {}

  /**
   * The function that EAX selects, at any CPL; for EPTP switching ECX is the index into the EPTP list. A `STATUS`: #UD where
   * VM functions are not enabled, a VM exit where this one is not, or the list gives no legal EPTP.
   */
  vmfunc(): number {
    const { pending, end, interruption } = this.processor;
    pending.operation = OPERATION.vmfunc;
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      const next = this.isUndefined() ? interruption.raise(VECTOR.invalidOpcode, 0, 0, 0)
        : this.isDone() ? RESUME.completed : this.exit();
      if (next !== RESUME.retry) return end.statusOf(next);
    }
    return end.giveUp('VMFUNC exits again and again');
  }

  private isUndefined(): boolean {
    const { registers, vmcs } = this.processor;
    if (registers[2 * REGISTER.nonRoot] === 0 || (secondaryControls(vmcs) & SECONDARY.enableVmFunctions) === 0) return true;
    return registers[2 * REGISTER.rax]! >>> 0 >= FUNCTIONS;
  }

  private isDone(): boolean {
    const { registers, vmcs } = this.processor;
    const selected = registers[2 * REGISTER.rax]!;
    const isEnabled = selected === EPTP_SWITCHING && (vmcs[VMCS.vm_function_controls]! & VM_FUNCTION.eptpSwitching) !== 0;
    return isEnabled && this.switchEptp(registers[2 * REGISTER.rcx]! >>> 0);
  }

  /** Did the list have a legal EPTP at `index`, which is now in force? */
  private switchEptp(index: number): boolean {
    const { vmcs, memory, features, reload } = this.processor;
    if (index >= LIST_ENTRIES) return false;
    const atLo = (vmcs[VMCS.eptp_list_address]! & ~PAGE_MASK) | (index << ENTRY_SHIFT);
    const atHi = vmcs[VMCS.eptp_list_address + 1]!;
    reportBusError(memory, this.processor.bus, this.processor.cpu, atLo, atHi, BUS_ACCESS.eptpList);
    const lo = memory.load32(atLo, atHi);
    const hi = memory.load32(atLo + 4, atHi);
    if (brokenEptPointerRule(lo, hi, this.processor) !== undefined) return false;
    const oldLo = vmcs[VMCS.eptp]!;
    const oldHi = vmcs[VMCS.eptp + 1]!;
    vmcs[VMCS.eptp] = lo;
    vmcs[VMCS.eptp + 1] = hi;
    if (features.eptViolationVe === 'on') vmcs[VMCS.eptp_index] = index & EPTP_INDEX_MASK;
    reload();
    this.tell(index, lo, hi, oldLo, oldHi);
    return true;
  }

  private exit(): number {
    return this.processor.interruption.exit(EXIT_REASON.vmfunc, 0, 0);
  }

  private tell(index: number, lo: number, hi: number, oldLo: number, oldHi: number): void {
    const { bus, cpu } = this.processor;
    if (bus.on[KIND.eptp_switch] === 0) return;
    const record = bus.begin(KIND.eptp_switch, ACTOR.guest, cpu);
    record[field.index.at] = index;
    setPair(record, field.value.at, lo, hi);
    setPair(record, field.old.at, oldLo, oldHi);
    bus.commit();
  }
}
