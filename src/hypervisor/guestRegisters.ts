import { REGISTER } from '../hardware/processor/registers';
import { PDPTE_WORDS, type TranslationSpace } from '../hardware/paging/translationSpace';

/** The PDPTE registers of a processor, as a walk reads them. */
export function pdptesOf(registers: Int32Array): Int32Array {
  return registers.subarray(2 * REGISTER.pdpte0, 2 * REGISTER.pdpte0 + PDPTE_WORDS);
}

/**
 * Puts a space into the guest's paging mode: EFER, RFLAGS, PKRU and IA32_PKRS from the processor's registers,
 * CR0 and CR4 (low halves) as the guest sees them, which a hypervisor may keep apart.
 */
export function useGuestRegisters(space: TranslationSpace, registers: Int32Array, cr0: number, cr4: number): void {
  const missing = space.usePaging({
    cr0,
    cr4,
    efer: registers[2 * REGISTER.efer]!,
    rflags: registers[2 * REGISTER.rflags]!,
    pkru: registers[2 * REGISTER.pkru]!,
    pkrs: registers[2 * REGISTER.pkrs]!,
  });
  if (missing !== undefined) throw new Error(`invariant: the processor let the guest into ${missing} paging, which has no format`);
}
