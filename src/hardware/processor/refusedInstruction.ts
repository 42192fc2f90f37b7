import { OPERATION } from '../paging/accessKinds';
import type { Processor } from './processor';
import { REGISTER, registerNames } from './registers';

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
    case OPERATION.vmfunc:
      return 'VM functions are not enabled, or EAX is above 63';
    default: {
      const address = (BigInt(pending.gvaHi >>> 0) << 32n) | BigInt(pending.gvaLo >>> 0);
      return `gva:0x${address.toString(16)} is not canonical`;
    }
  }
}
