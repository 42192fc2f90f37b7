import { OPERATION } from '../paging/accessKinds';
import { VECTOR } from '../delivery/exceptions';
import type { Processor } from './processor';
import { REGISTER, registerNames } from './registers';
import type { PendingOperation } from './rootMode';
import { segmentNames } from '../segments/segmentRegisters';

const PRIVILEGED = 'the instruction is privileged, and the CPL is 3';

/**
 * Why the instruction that `processor` did last was #GP(0) or #UD, as a clause: the rule that its operand breaks, its
 * privilege, or an address that is not canonical. SDM Vol. 2, the exceptions of each instruction.
 */
export function refusedInstruction(processor: Processor): string {
  const { pending } = processor;
  switch (pending.operation) {
    case OPERATION.writeRegister: {
      const name = registerNames[pending.register] ?? 'the register';
      const rule = processor.brokenRule(pending.register, pending.operandLo, pending.operandHi);
      if (rule !== undefined) return `${name} cannot take the value: ${rule}`;
      if (pending.register === REGISTER.pkru) return 'WRPKRU needs CR4.PKE';
      if (processor.level !== 0) return PRIVILEGED;
      return pending.register === REGISTER.cr3
        ? 'cr3 cannot take the value: a PDPTE that it names is none' : `${name} cannot take the value`;
    }
    case OPERATION.readRegister:
    case OPERATION.invlpg:
    case OPERATION.alignmentCheck:
      return PRIVILEGED;
    case OPERATION.hlt:
      return PRIVILEGED;
    case OPERATION.vmcall:
      return 'there is no hypervisor to call';
    case OPERATION.input:
    case OPERATION.output:
      return `the CPL is above the I/O privilege level, and the TSS does not permit port 0x${pending.register.toString(16)}`;
    case OPERATION.rdmsr:
    case OPERATION.wrmsr: {
      const index = `0x${(pending.register >>> 0).toString(16)}`;
      if (processor.level !== 0) return PRIVILEGED;
      const row = processor.msrs.at(pending.register);
      if (row === undefined) return `there is no MSR ${index}`;
      const rule = row.source.kind === 'register'
        ? processor.brokenRule(row.source.register, pending.operandLo, pending.operandHi) : undefined;
      if (row.source.kind === 'functions') {
        const access = pending.operation === OPERATION.rdmsr ? row.source.read : row.source.write;
        if (access === undefined) return `${row.name} (${index}) is ${pending.operation === OPERATION.rdmsr ? 'write' : 'read'} only`;
        const reason = row.source.refusal?.(pending.operandLo, pending.operandHi);
        if (reason !== undefined) return `${row.name} (${index}) cannot take the value: ${reason}`;
      }
      return `${row.name} (${index}) cannot take the value${rule === undefined ? '' : `: ${rule}`}`;
    }
    case OPERATION.invpcid:
      if (processor.vector === VECTOR.invalidOpcode) return 'INVPCID is not there: the processor has none, or the hypervisor does not enable it';
      if (processor.level !== 0) return PRIVILEGED;
      return pending.brokenRule === '' ? notCanonical(pending) : `INVPCID cannot take its operand: ${pending.brokenRule}`;
    case OPERATION.sldt:
    case OPERATION.str:
      return 'SLDT and STR are not there in real-address and virtual-8086 mode';
    case OPERATION.vmx:
      return processor.vector === VECTOR.invalidOpcode ? 'the processor is not in VMX operation' : PRIVILEGED;
    case OPERATION.invlpga:
    case OPERATION.vmrun:
      if (processor.vector === VECTOR.invalidOpcode) return 'SVM\'s instructions need EFER.SVME';
      return processor.level !== 0 ? PRIVILEGED : 'there is no VMCB for it';
    case OPERATION.softwareInterrupt:
      return 'INT n in virtual-8086 mode needs an I/O privilege level of 3';
    case OPERATION.interruptReturn:
      return 'IRET finds a frame that it cannot return by';
    case OPERATION.interruptFlag:
      return 'the CPL is above the I/O privilege level';
    case OPERATION.loadSegment:
      return 'the segment cannot be loaded: its type or privilege is not right for the register, or it is not present';
    case OPERATION.segmentViolation: {
      const offset = (BigInt(pending.gvaHi >>> 0) << 32n) | BigInt(pending.gvaLo >>> 0);
      const name = (segmentNames[pending.segment] ?? '').toUpperCase();
      return `offset 0x${offset.toString(16)} lies outside the limit of ${name}, or the segment is not for such an access`;
    }
    case OPERATION.vmfunc:
      return 'VM functions are not enabled, or EAX is above 63';
    default:
      return notCanonical(pending);
  }
}

function notCanonical({ gvaLo, gvaHi }: PendingOperation): string {
  return `gva:0x${((BigInt(gvaHi >>> 0) << 32n) | BigInt(gvaLo >>> 0)).toString(16)} is not canonical`;
}
