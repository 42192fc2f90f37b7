import { VECTOR } from '../delivery/exceptions';
import type { ProcessorEvents } from '../events/processorEvents';
import { OPERATION } from '../paging/accessKinds';
import { CR0, EFER, RFLAGS } from '../processor/controlRegisters';
import { type InstructionEnd, RETRY_LIMIT } from '../processor/instructionEnd';
import { NO_EXIT } from '../processor/instructionExits';
import type { Interruption } from '../processor/interruption';
import { REGISTER } from '../processor/registers';
import { type PendingOperation, RESUME } from '../processor/rootMode';
import { SEGMENT, SEGMENT_RIGHTS, type SegmentRegisters } from '../segments/segmentRegisters';
import { EXIT_REASON } from './exitReasons';

/** The parts of a processor that these instructions work on. */
export interface GuestVmxProcessor {
  readonly registers: Int32Array;
  readonly segments: SegmentRegisters;
  readonly pending: PendingOperation;
  readonly events: ProcessorEvents;
  readonly interruption: Interruption;
  readonly end: InstructionEnd;
}

/**
 * VMX instructions as a guest executes them: each is a VM exit, by which root mode may do it for the guest, and #UD where
 * there is no VMX operation. Of `pending`, the operand is the 64-bit one of the instruction (an address, what VMWRITE
 * writes, the type of INVEPT and INVVPID), `descriptor` bits 63:0 of a descriptor or the field's encoding, and `gva` bits
 * 127:64 of a descriptor; VMREAD leaves its result in `value`. SDM Vol. 3, "VMX Instructions".
 */
export class GuestVmxInstructions {
  constructor(private readonly processor: GuestVmxProcessor) {}

  /** VMCLEAR, VMPTRLD: (lo, hi) is the physical address that the operand in memory holds. */
  vmclear(lo: number, hi: number): number {
    return this.execute(EXIT_REASON.vmclear, lo, hi, 0, 0, 0, 0);
  }

  vmptrld(lo: number, hi: number): number {
    return this.execute(EXIT_REASON.vmptrld, lo, hi, 0, 0, 0, 0);
  }

  /** VMREAD of the field with this encoding. */
  vmread(encodingLo: number, encodingHi: number): number {
    return this.execute(EXIT_REASON.vmread, 0, 0, encodingLo, encodingHi, 0, 0);
  }

  vmwrite(encodingLo: number, encodingHi: number, lo: number, hi: number): number {
    return this.execute(EXIT_REASON.vmwrite, lo, hi, encodingLo, encodingHi, 0, 0);
  }

  vmlaunch(): number {
    return this.execute(EXIT_REASON.vmlaunch, 0, 0, 0, 0, 0, 0);
  }

  vmresume(): number {
    return this.execute(EXIT_REASON.vmresume, 0, 0, 0, 0, 0, 0);
  }

  /** INVEPT; (eptpLo, eptpHi): bits 63:0 of its descriptor. */
  invept(type: number, eptpLo: number, eptpHi: number): number {
    return this.execute(EXIT_REASON.invept, type, 0, eptpLo, eptpHi, 0, 0);
  }

  /** INVVPID; (vpidLo, vpidHi): bits 63:0 of its descriptor, (lo, hi): the linear address in it. */
  invvpid(type: number, vpidLo: number, vpidHi: number, lo: number, hi: number): number {
    return this.execute(EXIT_REASON.invvpid, type, 0, vpidLo, vpidHi, lo, hi);
  }

  private execute(reason: number, lo: number, hi: number, descriptorLo: number, descriptorHi: number, gvaLo: number, gvaHi: number): number {
    const { pending, events, interruption, end } = this.processor;
    pending.operation = OPERATION.vmx;
    pending.register = reason;
    pending.operandLo = lo;
    pending.operandHi = hi;
    pending.descriptorLo = descriptorLo;
    pending.descriptorHi = descriptorHi;
    pending.gvaLo = gvaLo;
    pending.gvaHi = gvaHi;
    events.systemInstruction(OPERATION.vmx, reason, lo, hi);
    for (let i = 0; i < RETRY_LIMIT; i++) {
      const exit = this.isUndefined() ? NO_EXIT : interruption.exits.vmx(reason);
      const next = exit === NO_EXIT ? interruption.raise(VECTOR.invalidOpcode, 0, 0, 0) : exit;
      if (next !== RESUME.retry) return end.statusOf(next);
    }
    return end.giveUp('a VMX instruction exits again and again');
  }

  /** In real-address, virtual-8086 and compatibility mode, before any exit: SDM Vol. 3, "VMREAD—Read Field from Virtual-Machine Control Structure". */
  private isUndefined(): boolean {
    const { registers, segments } = this.processor;
    if ((registers[2 * REGISTER.cr0]! & CR0.PE) === 0 || (registers[2 * REGISTER.rflags]! & RFLAGS.VM) !== 0) return true;
    return (registers[2 * REGISTER.efer]! & EFER.LMA) !== 0 && (segments.rights(SEGMENT.cs) & SEGMENT_RIGHTS.long) === 0;
  }
}
