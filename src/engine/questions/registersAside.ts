import { REGISTER } from '../../hardware/processor/registers';
import { segmentNames } from '../../hardware/segments/segmentRegisters';
import { VMCS, type VmcsFieldName } from '../../hardware/vmx/vmcs';
import { SEGMENT_SELECTORS_AT } from '../../language/program';

/** Where a VMCS has a register of the guest's; `mask`: bits that the hypervisor owns read as `shadow` has them. */
interface Place {
  readonly at: number;
  readonly owned?: { readonly mask: number; readonly shadow: number };
}

const of = (field: VmcsFieldName): Place => ({ at: VMCS[field] });

/** Registers that a VMCS keeps. The others are whoever's runs: hypervisors save them by software. SDM Vol. 3, "Guest Register State". */
const PLACES: ReadonlyMap<number, Place> = new Map([
  [REGISTER.rsp, of('guest_rsp')],
  [REGISTER.rflags, of('guest_rflags')],
  [REGISTER.cr0, { ...of('guest_cr0'), owned: { mask: VMCS.cr0_guest_host_mask, shadow: VMCS.cr0_read_shadow } }],
  [REGISTER.cr3, of('guest_cr3')],
  [REGISTER.cr4, { ...of('guest_cr4'), owned: { mask: VMCS.cr4_guest_host_mask, shadow: VMCS.cr4_read_shadow } }],
  [REGISTER.efer, of('guest_ia32_efer')],
  ...segmentNames.map((name, segment): [number, Place] => [SEGMENT_SELECTORS_AT + segment, of(`guest_${name}_selector`)]),
]);

/**
 * Half of register `number` (0: low, 1: high) of a guest that the processor does not run at present, as the guest would read it:
 * from `words`, the VMCS that it was put aside in. Undefined for a register that no VMCS keeps.
 */
export function registerAside(words: Int32Array, number: number, half: 0 | 1): number | undefined {
  const place = PLACES.get(number);
  if (place === undefined) return undefined;
  const value = words[place.at + half]!;
  if (place.owned === undefined) return value;
  const mask = words[place.owned.mask + half]!;
  return (value & ~mask) | (words[place.owned.shadow + half]! & mask);
}
