import { CR0, CR4, EFER } from '../../hardware/processor/controlRegisters';
import { eferWithLma } from '../../hardware/processor/controlRegisterRules';
import { pagingMode } from '../../hardware/paging/pagingMode';
import { ENTRY, VMCS } from '../../hardware/vmx/vmcs';
import { cr0ForGuest, cr4ForGuest } from '../prepareVmcs';
import type { VcpuState } from '../vcpuState';

/** Level of the PDPTEs that the processor walks for a guest which has no fourth level of tables. */
export const PAE_ROOT_LEVEL = 3;

/** Bits of CR0 and CR4 whose change changes what the guest's entries mean, or loads PDPTEs: the hypervisor must see it. */
export const OWNED_CR0 = CR0.WP | CR0.PG | CR0.PE | CR0.CD | CR0.NW;
export const OWNED_CR4 = CR4.PAE | CR4.PSE | CR4.PGE | CR4.LA57 | CR4.PCIDE | CR4.SMEP | CR4.SMAP | CR4.VME;
/** Rights that linear addresses have under paging alone: without it the guest's CR4 must not bring them about. */
const PAGING_RIGHTS = CR4.SMEP | CR4.SMAP | CR4.PKE | CR4.PKS;

/** Control registers as the guest has them: low halves. */
export interface GuestControls {
  readonly cr0: number;
  readonly cr4: number;
  readonly efer: number;
}

/** A vCPU whose mode is set. */
export interface ModeOwner {
  readonly vcpu: VcpuState;
  vmcs(field: number): number;
  setVmcs(at: number, lo: number, hi: number): void;
}

/** How the guest translates. */
export type GuestPaging = 'none' | '32-bit' | 'PAE' | 'long';

export function guestPagingOf({ cr0, cr4, efer }: GuestControls): GuestPaging {
  const { levels, registerLevel } = pagingMode(cr0, cr4, efer);
  if (levels === 0) return 'none';
  if (registerLevel !== undefined) return 'PAE';
  return levels < PAE_ROOT_LEVEL ? '32-bit' : 'long';
}

/** Level of the entries in the table that the processor's CR3 names. */
export function rootLevelOf(controls: GuestControls): number {
  const { levels } = pagingMode(controls.cr0, controls.cr4, controls.efer);
  return Math.max(levels, PAE_ROOT_LEVEL);
}

/**
 * Gives the guest these control registers, and the processor those that the shadow needs. Without "unrestricted guest",
 * which needs EPT, CR0.PG and PE are 1 in VMX operation: a guest that has paging off or 32-bit tables runs on PAE ones,
 * as under KVM. EFER.LME shows only while paging is on, for LMA would follow it. NXE is 1, whatever the guest has (KVM's
 * `update_transition_efer`): without it the error code of a fault does not tell a fetch from a read, for which the guest's
 * own tables may have another answer, and an SPTE could not take X from the supervisor.
 * SDM Vol. 3, "Restrictions on VMX Operation", "Checks on Guest Control Registers, Debug Registers, and MSRs", "Page-Fault Exceptions".
 */
export function setGuestMode(owner: ModeOwner, { cr0, cr4, efer: written }: GuestControls): void {
  const isPaging = (cr0 & CR0.PG) !== 0;
  const efer = eferWithLma(cr0, written);
  const isLong = (efer & EFER.LMA) !== 0;
  owner.vcpu.efer = efer;
  owner.setVmcs(VMCS.cr0_read_shadow, cr0, 0);
  owner.setVmcs(VMCS.cr4_read_shadow, cr4, 0);
  owner.setVmcs(VMCS.guest_cr0, (cr0ForGuest(cr0) | CR0.PG | CR0.PE | CR0.WP) & ~(CR0.CD | CR0.NW), 0);
  // In virtual-8086 mode, which stands in for real-address mode, VME keeps INT n in the guest.
  const redirects = (cr0 & CR0.PE) === 0 ? CR4.VME : 0;
  owner.setVmcs(VMCS.guest_cr4, (cr4ForGuest(cr4) | CR4.PAE | redirects) & ~(isPaging ? 0 : PAGING_RIGHTS), 0);
  // Keys matter to the role while WP is 0.
  const ownsKeys = !isPaging || (cr0 & CR0.WP) === 0;
  const owned = owner.vmcs(VMCS.cr4_guest_host_mask) & ~(CR4.PKE | CR4.PKS);
  owner.setVmcs(VMCS.cr4_guest_host_mask, owned | (ownsKeys ? CR4.PKE | CR4.PKS : 0), 0);
  owner.setVmcs(VMCS.guest_ia32_efer, (isLong ? efer : efer & ~EFER.LME) | EFER.NXE, 0);
  setEntryMode(owner, isLong ? 'long mode' : 'legacy mode');
}

/** The next entry is into that mode: what it checks, and whether it loads PDPTEs, hangs on the "IA-32e mode guest" control. */
export function setEntryMode(owner: ModeOwner, mode: 'long mode' | 'legacy mode'): void {
  const entry = owner.vmcs(VMCS.entry_controls) & ~ENTRY.ia32eModeGuest;
  owner.setVmcs(VMCS.entry_controls, mode === 'long mode' ? entry | ENTRY.ia32eModeGuest : entry, 0);
}
