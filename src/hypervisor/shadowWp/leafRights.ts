import { ACCESS } from '../../hardware/paging/accessKinds';
import { PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { CR0, CR4 } from '../../hardware/processor/controlRegisters';
import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { KEYS, keyRefuses } from '../../hardware/paging/protectionKeys';
import type { ShadowMmu } from './shadowMmu';

/** The supervisor writes, CR0.WP is 0, and the guest's entries (of the walk made last) do not give W. */
export function writesReadOnly(mmu: ShadowMmu, errorCode: number): boolean {
  return writesWithoutProtection(mmu, errorCode) && (mmu.guest.result.rights & PAGE_RIGHTS.writable) === 0;
}

/** CR4.SMEP forbids the supervisor to fetch from the page of the walk made last. */
export function hasSmepOverUser(mmu: ShadowMmu): boolean {
  return (mmu.cr4 & CR4.SMEP) !== 0 && isUserPage(mmu);
}

/**
 * The processor runs with WP = 1. For a write that only the guest's WP = 0 allows, KVM makes the SPTE writable without
 * U. But a page without U is the supervisor's: SMAP does not apply to it, and its key is judged by IA32_PKRS in place of
 * PKRU. Where the guest uses one of these, that SPTE would give more than the guest's entries do, or less. And a key that
 * disables writes does so for the supervisor while WP is 1, of pages of either kind: SDM Vol. 3, "Protection Keys".
 */
export function cannotBeLeft(mmu: ShadowMmu, errorCode: number): boolean {
  if (!writesWithoutProtection(mmu, errorCode)) return false;
  const isReadOnly = (mmu.guest.result.rights & PAGE_RIGHTS.writable) === 0;
  const cannotTrade = (mmu.cr4 & (CR4.SMAP | CR4.PKE | CR4.PKS)) !== 0;
  return isUserPage(mmu) && isReadOnly && cannotTrade || keyDisablesWrites(mmu);
}

function writesWithoutProtection(mmu: ShadowMmu, errorCode: number): boolean {
  const isSupervisorWrite = (errorCode & PFEC.W) !== 0 && (errorCode & PFEC.U) === 0;
  return isSupervisorWrite && (mmu.cr0 & CR0.WP) === 0;
}

/** Would the key of the page of the walk made last refuse this write if WP were 1? */
function keyDisablesWrites({ guest: { keys, pkru, pkrs, result } }: ShadowMmu): boolean {
  return keys !== KEYS.off && keyRefuses({ keys: keys | KEYS.writeProtect, pkru, pkrs }, result.key, result.rights, ACCESS.write);
}

function isUserPage(mmu: ShadowMmu): boolean {
  return (mmu.guest.result.rights & PAGE_RIGHTS.user) !== 0;
}
