import { describeQualification, crAccessQualification, eptViolationFields, EPT_QUALIFICATION, ioQualification, modificationLogFullFields, type QualificationField } from '../hardware/vmx/exitQualification';
import { type ExitReasonKey, exitReasonOf } from '../hardware/vmx/exitReasons';
import { VMCS } from '../hardware/vmx/vmcs';
import { halvesText } from './addressText';
import { eventInformationText, hasErrorCode, isPageFault, pageFaultCodeText } from './eventInformation';
import { qualificationRows } from './qualificationRows';
import type { Row } from './rows';

/** Bits 15:0 of the exit reason. SDM Vol. 3, "Basic VM-Exit Information". */
const BASIC_REASON = 0xffff;

/** What an exit qualification holds, by reason; a reason that is not here leaves it 0. SDM Vol. 3, "Basic VM-Exit Information". */
const qualifications: Partial<Record<ExitReasonKey, readonly QualificationField[] | 'linear address' | 'displacement'>> = {
  invlpg: 'linear address',
  invpcid: 'displacement',
  cr_access: crAccessQualification,
  io_instruction: ioQualification,
  ept_violation: eptViolationFields,
  pml_full: modificationLogFullFields,
};

/** Reasons with a guest-physical address. SDM Vol. 3, "Information for VM Exits Due to EPT-Induced Exits". */
const withGuestPhysicalAddress: ReadonlySet<string> = new Set<ExitReasonKey>(['ept_violation', 'ept_misconfiguration']);

/**
 * What a VMCS tells of the last VM exit: reason, qualification decoded, addresses, the event that it was about or broke into.
 * Only what is defined for the reason. `words`: a VMCS as a processor has it.
 */
export function vmExitRows(words: Int32Array): readonly Row[] {
  const number = words[VMCS.exit_reason]! & BASIC_REASON;
  const reason = exitReasonOf(number);
  const key = reason?.key as ExitReasonKey | undefined;
  const rows: Row[] = [{ name: 'exit reason', value: `${number} ${reason?.name ?? ''}`.trim() }];
  if (key !== undefined) rows.push(...qualificationOf(words, key));
  if (withGuestPhysicalAddress.has(key ?? '')) {
    rows.push({ name: 'guest-physical address', value: pair(words, 'gpa', VMCS.guest_physical_address) });
  }
  if (key === 'ept_violation' && (words[VMCS.exit_qualification]! & EPT_QUALIFICATION.linearAddressValid) !== 0) {
    rows.push({ name: 'guest-linear address', value: pair(words, 'gva', VMCS.guest_linear_address) });
  }
  if (key === 'exception_nmi' || key === 'external_interrupt') rows.push(...eventOf(words));
  const vectoring = words[VMCS.idt_vectoring_info]!;
  if (eventInformationText(vectoring) !== 'none') rows.push({ name: 'IDT-vectoring information', value: eventInformationText(vectoring) });
  const length = words[VMCS.exit_instruction_length]!;
  if (length !== 0) rows.push({ name: 'VM-exit instruction length', value: `${length} byte${length === 1 ? '' : 's'}` });
  return rows;
}

function qualificationOf(words: Int32Array, key: ExitReasonKey): readonly Row[] {
  const name = 'exit qualification';
  const lo = words[VMCS.exit_qualification]!;
  const holds = qualifications[key];
  if (key === 'exception_nmi') {
    return isPageFault(words[VMCS.exit_interruption_info]!) ? [{ name, value: `${pair(words, 'gva', VMCS.exit_qualification)} the faulting linear address` }] : [];
  }
  if (holds === undefined) return [];
  if (typeof holds === 'string') return [{ name, value: `${pair(words, 'gva', VMCS.exit_qualification)} the ${holds}` }];
  const text = describeQualification(holds, lo);
  return [{ name, value: `0x${(lo >>> 0).toString(16)}${text === '' ? '' : ` ${text}`}`, below: qualificationRows(holds, lo) }];
}

function eventOf(words: Int32Array): readonly Row[] {
  const information = words[VMCS.exit_interruption_info]!;
  const code = words[VMCS.exit_interruption_error_code]!;
  const rows: Row[] = [{ name: 'VM-exit interruption information', value: eventInformationText(information) }];
  if (!hasErrorCode(information)) return rows;
  return [...rows, { name: 'VM-exit interruption error code', value: isPageFault(information) ? pageFaultCodeText(code) : `0x${(code >>> 0).toString(16)}` }];
}

function pair(words: Int32Array, space: 'gva' | 'gpa', at: number): string {
  return halvesText(space, words[at]!, words[at + 1]!);
}
