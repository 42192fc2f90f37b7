import { vectorText } from '../hardware/delivery/exceptions';
import { pageFaultErrorCodeNames } from '../hardware/paging/pageFaultErrorCode';
import { INTERRUPTION } from '../hardware/vmx/vmcs';

const TYPE_SHIFT = 8;
const PAGE_FAULT = 14;

/** Types of event, by number. SDM Vol. 3, "VM-Entry Interruption-Information Field"; those of APM's EVENTINJ are numbered alike. */
const types = [
  'external interrupt', 'reserved', 'NMI', 'hardware exception', 'software interrupt', 'privileged software exception', 'software exception', 'other event',
] as const;

/** `#PF, hardware exception`; `none` without the valid bit. For interruption information, IDT-vectoring information, EVENTINJ and EXITINTINFO alike. */
export function eventInformationText(information: number): string {
  if ((information & INTERRUPTION.valid) === 0) return 'none';
  const type = (information & INTERRUPTION.typeMask) >>> TYPE_SHIFT;
  return `${vectorText(information & INTERRUPTION.vectorMask)}, ${types[type] ?? ''}`;
}

/** True of information about an event that comes with an error code. */
export function hasErrorCode(information: number): boolean {
  return (information & INTERRUPTION.valid) !== 0 && (information & INTERRUPTION.errorCodeValid) !== 0;
}

/** True of a valid event that is a page fault. */
export function isPageFault(information: number): boolean {
  return (information & INTERRUPTION.valid) !== 0 && (information & INTERRUPTION.vectorMask) === PAGE_FAULT;
}

/** `0x6 (write, user)`: the error code of a page fault. */
export function pageFaultCodeText(code: number): string {
  const words = pageFaultErrorCodeNames.filter((_, bit) => (code >> bit) & 1);
  return `0x${(code >>> 0).toString(16)}${words.length === 0 ? '' : ` (${words.join(', ')})`}`;
}
