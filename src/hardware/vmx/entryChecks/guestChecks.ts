import { VECTOR } from '../../delivery/exceptions';
import { CR0, CR4, EFER, RFLAGS } from '../../processor/controlRegisters';
import { eferReserved, vmxUnsupportedBits } from '../../processor/controlRegisterChecks';
import { ACTIVITY, INTERRUPTIBILITY } from '../../processor/registers';
import { SEGMENT_RIGHTS } from '../../segments/segmentRegisters';
import { ENTRY, INTERRUPTION, INTERRUPTION_TYPE, PIN, SECONDARY, VMCS, VMCS_REVISION } from '../vmcs';
import {
  checksOf, type EntryCheck, type EntryContext, has, hasSecondary, highOf, isBeyondPhysical, isCanonicalField, isIa32eGuest, isNoPage, lowOf,
} from './entryCheck';
import { guestSegmentChecks } from './guestSegmentChecks';

/** Bits 63:22, 15, 5 and 3 of RFLAGS are 0, bit 1 is 1. */
const RFLAGS_RESERVED = -(1 << 22) | 1 << 15 | 1 << 5 | 1 << 3;
const RFLAGS_VM = 1 << 17;
const INTERRUPTIBILITY_RESERVED = ~0x1f;
const BLOCKING_BY_SMI = 1 << 2;
const ENCLAVE = 1 << 4;
/** Pending debug exceptions: bits 3:0 B3 to B0, 12 enabled breakpoint, 14 BS, 16 RTM. */
const PENDING_DEBUG_RESERVED = ~(0xf | 1 << 12 | 1 << 14);
const SHUTDOWN_EVENTS: readonly number[] = [VECTOR.machineCheck];
const HLT_EVENTS: readonly number[] = [VECTOR.debug, VECTOR.machineCheck];

const loadsEfer = (c: EntryContext): boolean => has(c, VMCS.entry_controls, ENTRY.loadEfer);
const blocks = (c: EntryContext, mask: number): boolean => has(c, VMCS.guest_interruptibility, mask);
const injects = (c: EntryContext): boolean => has(c, VMCS.entry_interruption_info, INTERRUPTION.valid);
const typeOf = (c: EntryContext): number => lowOf(c, VMCS.entry_interruption_info) & INTERRUPTION.typeMask;
const injectsType = (c: EntryContext, type: number): boolean => injects(c) && typeOf(c) === type;

/** May the event to be injected find the processor in the activity state of the guest? */
function wakes(c: EntryContext): boolean {
  const activity = lowOf(c, VMCS.guest_activity_state);
  const vector = lowOf(c, VMCS.entry_interruption_info) & INTERRUPTION.vectorMask;
  const type = typeOf(c);
  switch (activity) {
    case ACTIVITY.active: return true;
    case ACTIVITY.hlt:
      return type === INTERRUPTION_TYPE.externalInterrupt || type === INTERRUPTION_TYPE.nmi || type === INTERRUPTION_TYPE.hardwareException && HLT_EVENTS.includes(vector);
    case ACTIVITY.shutdown:
      return type === INTERRUPTION_TYPE.nmi || type === INTERRUPTION_TYPE.hardwareException && SHUTDOWN_EVENTS.includes(vector);
    default: return false;
  }
}

const hasWrongCr = (c: EntryContext, register: 'cr0' | 'cr4'): boolean => {
  const mode = hasSecondary(c, SECONDARY.unrestrictedGuest) ? 'unrestricted' : 'restricted';
  const field = register === 'cr0' ? VMCS.guest_cr0 : VMCS.guest_cr4;
  return highOf(c, field) !== 0 || vmxUnsupportedBits(register, lowOf(c, field), mode, c.features) !== 0;
};

const registerChecks = checksOf('Checks on Guest Control Registers, Debug Registers, and MSRs', [
  ['guest CR0 has a bit that VMX operation does not support', (c) => hasWrongCr(c, 'cr0')],
  ['guest CR0.PG without PE', (c) => has(c, VMCS.guest_cr0, CR0.PG) && !has(c, VMCS.guest_cr0, CR0.PE)],
  ['guest CR4 has a bit that VMX operation does not support', (c) => hasWrongCr(c, 'cr4')],
  ['an IA-32e mode guest without CR0.PG', (c) => isIa32eGuest(c) && !has(c, VMCS.guest_cr0, CR0.PG)],
  ['an IA-32e mode guest without CR4.PAE', (c) => isIa32eGuest(c) && !has(c, VMCS.guest_cr4, CR4.PAE)],
  ['guest CR4.PCIDE outside IA-32e mode', (c) => !isIa32eGuest(c) && has(c, VMCS.guest_cr4, CR4.PCIDE)],
  ['guest CR3 has a bit beyond the physical-address width', (c) => isBeyondPhysical(c, VMCS.guest_cr3)],
  ['guest IA32_SYSENTER_ESP or IA32_SYSENTER_EIP is not canonical', (c) => (
    !isCanonicalField(c, VMCS.guest_sysenter_esp) || !isCanonicalField(c, VMCS.guest_sysenter_eip)
  )],
  ['guest IA32_EFER has a reserved bit', (c) => (
    loadsEfer(c) && (highOf(c, VMCS.guest_ia32_efer) !== 0 || eferReserved(lowOf(c, VMCS.guest_ia32_efer)) !== 0)
  )],
  ['guest IA32_EFER.LMA is not as the IA-32e mode guest control', (c) => loadsEfer(c) && has(c, VMCS.guest_ia32_efer, EFER.LMA) !== isIa32eGuest(c)],
  ['guest IA32_EFER.LMA is not LME while paging', (c) => (
    loadsEfer(c) && has(c, VMCS.guest_cr0, CR0.PG) && has(c, VMCS.guest_ia32_efer, EFER.LMA) !== has(c, VMCS.guest_ia32_efer, EFER.LME)
  )],
  ['guest IA32_PKRS has a bit above 31', (c) => has(c, VMCS.entry_controls, ENTRY.loadPkrs) && highOf(c, VMCS.guest_ia32_pkrs) !== 0],
]);

const is64BitCode = (c: EntryContext): boolean => isIa32eGuest(c) && has(c, VMCS.guest_cs_access_rights, SEGMENT_RIGHTS.long);

/** RIP need not be canonical: the highest bit that is an address's may differ from those above it, which are alike. */
function hasMixedUpperRip(c: EntryContext): boolean {
  const upper = highOf(c, VMCS.guest_rip) >> (c.features.la57 === 'on' ? 25 : 16);
  return is64BitCode(c) && upper !== 0 && upper !== -1;
}

const instructionChecks = checksOf('Checks on Guest RIP, RFLAGS, and SSP', [
  ['guest RIP has a bit above 31 outside 64-bit mode', (c) => (
    !is64BitCode(c) && highOf(c, VMCS.guest_rip) !== 0
  )],
  ['bits of guest RIP above the linear-address width differ', (c) => hasMixedUpperRip(c)],
  ['a reserved bit of guest RFLAGS is not what it must be', (c) => (
    highOf(c, VMCS.guest_rflags) !== 0 || has(c, VMCS.guest_rflags, RFLAGS_RESERVED) || !has(c, VMCS.guest_rflags, RFLAGS.fixed)
  )],
  ['guest RFLAGS.VM in IA-32e mode or without CR0.PE', (c) => (
    has(c, VMCS.guest_rflags, RFLAGS_VM) && (isIa32eGuest(c) || !has(c, VMCS.guest_cr0, CR0.PE))
  )],
  ['an external interrupt is injected with RFLAGS.IF 0', (c) => (
    injectsType(c, INTERRUPTION_TYPE.externalInterrupt) && !has(c, VMCS.guest_rflags, RFLAGS.IF)
  )],
]);

const stateChecks = checksOf('Checks on Guest Non-Register State', [
  ['the activity state is none that there is', (c) => lowOf(c, VMCS.guest_activity_state) >>> 0 > ACTIVITY.waitForSipi],
  ['the activity state is HLT with a CPL other than 0', (c) => (
    lowOf(c, VMCS.guest_activity_state) === ACTIVITY.hlt
    && ((lowOf(c, VMCS.guest_ss_access_rights) >>> SEGMENT_RIGHTS.dplShift) & SEGMENT_RIGHTS.dplMask) !== 0
  )],
  ['the activity state is not active while STI or MOV SS blocks', (c) => (
    lowOf(c, VMCS.guest_activity_state) !== ACTIVITY.active && blocks(c, INTERRUPTIBILITY.blockingBySti | INTERRUPTIBILITY.blockingByMovSs)
  )],
  ['the injected event cannot come in the activity state', (c) => injects(c) && !wakes(c)],
  ['a reserved bit of the interruptibility state is 1', (c) => blocks(c, INTERRUPTIBILITY_RESERVED | ENCLAVE)],
  ['both STI and MOV SS block', (c) => blocks(c, INTERRUPTIBILITY.blockingBySti) && blocks(c, INTERRUPTIBILITY.blockingByMovSs)],
  ['STI blocks with RFLAGS.IF 0', (c) => blocks(c, INTERRUPTIBILITY.blockingBySti) && !has(c, VMCS.guest_rflags, RFLAGS.IF)],
  ['an external interrupt is injected while STI or MOV SS blocks', (c) => (
    injectsType(c, INTERRUPTION_TYPE.externalInterrupt) && blocks(c, INTERRUPTIBILITY.blockingBySti | INTERRUPTIBILITY.blockingByMovSs)
  )],
  ['an NMI is injected while MOV SS blocks', (c) => injectsType(c, INTERRUPTION_TYPE.nmi) && blocks(c, INTERRUPTIBILITY.blockingByMovSs)],
  ['SMI blocking outside system-management mode', (c) => blocks(c, BLOCKING_BY_SMI)],
  ['an NMI is injected while NMIs are blocked', (c) => (
    injectsType(c, INTERRUPTION_TYPE.nmi) && has(c, VMCS.pin_controls, PIN.virtualNmis) && blocks(c, INTERRUPTIBILITY.blockingByNmi)
  )],
  ['a reserved pending debug exception', (c) => (
    highOf(c, VMCS.guest_pending_debug_exceptions) !== 0 || has(c, VMCS.guest_pending_debug_exceptions, PENDING_DEBUG_RESERVED)
  )],
]);

/** An NMI that STI blocks has a qualification of its own; that STI does is up to the processor, and here it does. */
const nmiChecks = checksOf('Checks on Guest Non-Register State', [
  ['an NMI is injected while STI blocks', (c) => injectsType(c, INTERRUPTION_TYPE.nmi) && blocks(c, INTERRUPTIBILITY.blockingBySti)],
]);

const hasLink = (c: EntryContext): boolean => lowOf(c, VMCS.vmcs_link_pointer) !== -1 || highOf(c, VMCS.vmcs_link_pointer) !== -1;

const linkChecks = checksOf('Checks on Guest Non-Register State', [
  ['the VMCS link pointer is neither a page\'s address nor FFFFFFFF_FFFFFFFFH', (c) => hasLink(c) && isNoPage(c, VMCS.vmcs_link_pointer)],
  ['the VMCS link pointer points to no VMCS of this processor', (c) => (
    hasLink(c) && c.memory.load32(lowOf(c, VMCS.vmcs_link_pointer), highOf(c, VMCS.vmcs_link_pointer)) !== VMCS_REVISION
  )],
]);

/** Exit qualifications of exit reason 33. SDM Vol. 3, "VM-Entry Failures During or After Loading Guest State". */
export const ENTRY_FAILURE = { other: 0, pdpte: 2, nmi: 3, linkPointer: 4 } as const;

/** Does the guest use PAE paging, whose PDPTEs are checked as they are loaded? */
function usesPae(c: EntryContext): boolean {
  return has(c, VMCS.guest_cr0, CR0.PG) && has(c, VMCS.guest_cr4, CR4.PAE) && !isIa32eGuest(c);
}

const pdpteFields = [VMCS.guest_pdpte0, VMCS.guest_pdpte1, VMCS.guest_pdpte2, VMCS.guest_pdpte3];

function hasIllegalPdpte(c: EntryContext): boolean {
  if (!usesPae(c)) return false;
  if (hasSecondary(c, SECONDARY.enableEpt)) return pdpteFields.some((field) => c.pdptes.isIllegal(lowOf(c, field), highOf(c, field)));
  return c.pdptes.namesIllegal(lowOf(c, VMCS.guest_cr3));
}

/** One rule of guest state, with the exit qualification that tells of it. */
export interface GuestCheck extends EntryCheck {
  readonly qualification: number;
}

const qualified = (checks: readonly EntryCheck[], qualification: number): readonly GuestCheck[] => (
  checks.map((check) => ({ ...check, qualification }))
);

export const pdpteChecks: readonly GuestCheck[] = qualified(checksOf('Checks on Guest Page-Directory-Pointer-Table Entries', [
  ['a guest PDPTE has a reserved bit', hasIllegalPdpte],
]), ENTRY_FAILURE.pdpte);

/** Rules about what lies in memory, which the fields that name it do not tell. */
export const memoryChecks: readonly GuestCheck[] = [...qualified(linkChecks, ENTRY_FAILURE.linkPointer), ...pdpteChecks];

/** SDM Vol. 3, "Checking and Loading Guest State": a broken one is exit reason 33. Those of PDPTEs are by themselves too. */
export const guestChecks: readonly GuestCheck[] = [
  ...qualified([...registerChecks, ...guestSegmentChecks, ...instructionChecks, ...stateChecks], ENTRY_FAILURE.other),
  ...qualified(nmiChecks, ENTRY_FAILURE.nmi),
  ...memoryChecks,
];
