import { exitReasonOf } from '../hardware/vmx/exitReasons';
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
