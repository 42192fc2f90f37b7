import { PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { CR0, CR4, EFER } from '../../hardware/processor/controlRegisters';
import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { REGISTER } from '../../hardware/processor/registers';
import type { ShadowMmu } from './shadowMmu';

/** Bits of PKRU for one key, from the key's place on: access disable, write disable. */
const WRITE_DISABLE = 2;
const KEY_BITS = 2;

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
 * U. But a page without U is the supervisor's, to which SMAP and protection keys do not apply, and which only XD keeps
 * it from executing: where the guest uses one of these, or XD is reserved (EFER.NXE = 0), that SPTE would give more
 * than the guest's entries do. And a key that disables writes does so for the supervisor while WP is 1: SDM Vol. 3,
 * "Protection Keys".
 */
export function cannotBeLeft(mmu: ShadowMmu, errorCode: number): boolean {
  if (!writesWithoutProtection(mmu, errorCode) || !isUserPage(mmu)) return false;
  const isReadOnly = (mmu.guest.result.rights & PAGE_RIGHTS.writable) === 0;
  const efer = mmu.processor.registers[2 * REGISTER.efer]!;
  const isExecuteOpen = (mmu.cr4 & CR4.SMEP) !== 0 && (efer & EFER.NXE) === 0;
  return isReadOnly && (isExecuteOpen || (mmu.cr4 & (CR4.SMAP | CR4.PKE)) !== 0) || keyDisablesWrites(mmu);
}

function writesWithoutProtection(mmu: ShadowMmu, errorCode: number): boolean {
  const isSupervisorWrite = (errorCode & PFEC.W) !== 0 && (errorCode & PFEC.U) === 0;
  return isSupervisorWrite && (mmu.cr0 & CR0.WP) === 0;
}

function keyDisablesWrites(mmu: ShadowMmu): boolean {
  if ((mmu.cr4 & CR4.PKE) === 0) return false;
  const pkru = mmu.processor.registers[2 * REGISTER.pkru]!;
  return ((pkru >>> (KEY_BITS * mmu.guest.result.key)) & WRITE_DISABLE) !== 0;
}

function isUserPage(mmu: ShadowMmu): boolean {
  return (mmu.guest.result.rights & PAGE_RIGHTS.user) !== 0;
}
