import { compileFormat } from '../../hardware/paging/compiledFormat';
import { PAE } from '../../hardware/paging/formats/pae';
import type { EntryContext } from '../../hardware/vmx/entryChecks/entryCheck';
import type { GuestHypervisorMemory } from './guestHypervisorMemory';

const ROOT_MASK = ~0x1f;
const PDPTE_OFFSETS = [0, 8, 16, 24] as const;

/**
 * What the checks of a VM entry ask about L2's PDPTEs. SDM Vol. 3, "Checks on Guest Page-Directory-Pointer-Table Entries":
 * without an EPT of L1's they lie in L1's memory.
 */
export function pdptesOfL2(l1: GuestHypervisorMemory, maxphyaddr: number): EntryContext['pdptes'] {
  const compiled = compileFormat(PAE, { maxphyaddr, noExecute: 'on', executeOnly: 'on' });
  const use = PAE.levels << 1;
  const isIllegal = (lo: number, hi: number): boolean => (
    (lo & compiled.presentMask) !== 0 && ((lo & compiled.reservedLo[use]!) | (hi & compiled.reservedHi[use]!)) !== 0
  );
  return {
    isIllegal,
    namesIllegal: (cr3) => PDPTE_OFFSETS.some((at) => isIllegal(l1.load32((cr3 & ROOT_MASK) + at, 0), l1.load32((cr3 & ROOT_MASK) + at + 4, 0))),
  };
}
