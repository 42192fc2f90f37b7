import { exitReasonOf } from '../hardware/vmx/exitReasons';
import { EXCEPTION_VECTORS } from '../language/virtualMachines';
import { pageFaultErrorCodeNames } from '../hardware/paging/pageFaultErrorCode';

/** `cr_access`; a number that the manual does not give is shown as it is. */
export function exitReasonKey(reason: number): string {
  return exitReasonOf(reason)?.key ?? `exit_${reason}`;
}

/** `page_fault(user, write) at gva:0x601000`, as `expect` spells it. */
export function pageFaultText(code: number, address: bigint): string {
  const words = pageFaultErrorCodeNames.filter((_, bit) => (code >> bit) & 1);
  return `page_fault(${words.join(', ')}) at gva:0x${address.toString(16)}`;
}

const PAGE_FAULT = 14;
const VIRTUALIZATION_EXCEPTION = 20;
const exceptionNames = new Map<number, string>(Object.entries(EXCEPTION_VECTORS).map(([name, vector]) => [vector, name]));

/** `general_protection`, as `on` and `expect` spell it; `vector 6` of one that no handler can be written for. */
export function exceptionName(vector: number): string {
  return exceptionNames.get(vector) ?? `vector ${vector}`;
}

/** `general_protection(0x0)`, or of a page fault what `pageFaultText` says. */
export function exceptionAt(vector: number, code: number, address: bigint): string {
  if (vector === PAGE_FAULT) return pageFaultText(code, address);
  if (vector === VIRTUALIZATION_EXCEPTION) return `${exceptionName(vector)} at gpa:0x${address.toString(16)}`;
  return `${exceptionName(vector)}(0x${(code >>> 0).toString(16)})`;
}
