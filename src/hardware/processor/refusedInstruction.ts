import { OPERATION } from '../paging/accessKinds';
import { brokenRule } from './controlRegisterRules';
import type { Processor } from './processor';
import { REGISTER, registerNames } from './registers';

const PRIVILEGED = 'the instruction is privileged, and the CPL is 3';
const ruled = ['cr0', 'cr4', 'efer'] as const;

/**
 * Why the instruction that `processor` did last was #GP(0) or #UD, as a clause: the rule that its operand breaks, its
 * privilege, or an address that is not canonical. SDM Vol. 2, the exceptions of each instruction.
 */
export function refusedInstruction(processor: Processor): string {
  const { pending, registers } = processor;
  switch (pending.operation) {
    case OPERATION.writeRegister: {
      const name = registerNames[pending.register] ?? 'the register';
      const now = { cr0: registers[2 * REGISTER.cr0]!, cr4: registers[2 * REGISTER.cr4]!, efer: registers[2 * REGISTER.efer]! };
      const register = ruled.find((each) => each === name);
      const rule = register === undefined ? undefined : brokenRule(register, now, pending.operandLo, pending.operandHi);
      if (rule !== undefined) return `${name} cannot take the value: ${rule}`;
      if (pending.register === REGISTER.pkru) return 'WRPKRU needs CR4.PKE';
      if (processor.level !== 0) return PRIVILEGED;
      return pending.register === REGISTER.cr3
        ? `cr3 cannot take the value: a bit at or above MAXPHYADDR, or a PDPTE that is none` : `${name} cannot take the value`;
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
