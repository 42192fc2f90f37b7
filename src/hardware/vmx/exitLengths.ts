import { TASK_SWITCH } from '../delivery/deliveryProcessor';
import { INSTRUCTION_LENGTH } from '../processor/instructionLengths';
import { TASK_SWITCH_SOURCE_SHIFT } from './exitQualification';
import { EXIT_REASON } from './exitReasons';
import { INTERRUPTION, INTERRUPTION_TYPE, VMCS } from './vmcs';

/** Bytes of the instruction, by the reasons that report them. */
const lengths = new Map<number, number>([
  [EXIT_REASON.cpuid, INSTRUCTION_LENGTH.cpuid], [EXIT_REASON.hlt, INSTRUCTION_LENGTH.hlt],
  [EXIT_REASON.invlpg, INSTRUCTION_LENGTH.invlpg], [EXIT_REASON.vmcall, INSTRUCTION_LENGTH.vmcall],
  [EXIT_REASON.cr_access, INSTRUCTION_LENGTH.movCr], [EXIT_REASON.rdmsr, INSTRUCTION_LENGTH.msr],
  [EXIT_REASON.wrmsr, INSTRUCTION_LENGTH.msr], [EXIT_REASON.invpcid, INSTRUCTION_LENGTH.invpcid],
  [EXIT_REASON.vmfunc, INSTRUCTION_LENGTH.vmfunc],
  [EXIT_REASON.gdtr_idtr, INSTRUCTION_LENGTH.storeTable], [EXIT_REASON.ldtr_tr, INSTRUCTION_LENGTH.storeTable],
  [EXIT_REASON.vmclear, INSTRUCTION_LENGTH.vmclear], [EXIT_REASON.vmptrld, INSTRUCTION_LENGTH.vmptrld],
  [EXIT_REASON.vmread, INSTRUCTION_LENGTH.vmreadVmwrite], [EXIT_REASON.vmwrite, INSTRUCTION_LENGTH.vmreadVmwrite],
  [EXIT_REASON.vmlaunch, INSTRUCTION_LENGTH.vmlaunchVmresume], [EXIT_REASON.vmresume, INSTRUCTION_LENGTH.vmlaunchVmresume],
  [EXIT_REASON.invept, INSTRUCTION_LENGTH.inveptInvvpid], [EXIT_REASON.invvpid, INSTRUCTION_LENGTH.inveptInvvpid],
]);
const SIZE_LESS_1 = 7;
const IS_16_BITS = 1;

/**
 * The VM-exit instruction length that an exit reports, once the VMCS has its reason, qualification and interruption
 * information: 0 where it is not defined. Of a software exception the field has it already. SDM Vol. 3, "Information for VM
 * Exits Due to Instruction Execution".
 */
export function exitLengthOf(vmcs: Int32Array): number {
  const reason = vmcs[VMCS.exit_reason]!;
  if (reason === EXIT_REASON.io_instruction) {
    return (vmcs[VMCS.exit_qualification]! & SIZE_LESS_1) === IS_16_BITS ? INSTRUCTION_LENGTH.ioOf16Bits : INSTRUCTION_LENGTH.io;
  }
  if (reason === EXIT_REASON.task_switch) {
    return vmcs[VMCS.exit_qualification]! >>> TASK_SWITCH_SOURCE_SHIFT === TASK_SWITCH.iret ? INSTRUCTION_LENGTH.iret : 0;
  }
  const isSoftware = reason === EXIT_REASON.exception_nmi
    && (vmcs[VMCS.exit_interruption_info]! & INTERRUPTION.typeMask) >= INTERRUPTION_TYPE.privilegedSoftwareException;
  return isSoftware ? vmcs[VMCS.exit_instruction_length]! : lengths.get(reason) ?? 0;
}
