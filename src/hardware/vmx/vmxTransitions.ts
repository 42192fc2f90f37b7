import { CR0 } from '../processor/controlRegisters';
import { EVENT_TYPE } from '../delivery/deliveredEvent';
import { hasErrorCode } from '../delivery/exceptions';
import { EXIT_REASON } from './exitReasons';
import { CR_ACCESS, encodeCrAccess } from './exitQualification';
import { CONTROL_REGISTER_NUMBERS, REGISTER } from '../processor/registers';
import { pagingMode } from '../paging/pagingMode';
import { INTERRUPTION, PRIMARY, SECONDARY, VMCS, type VmcsFieldName } from './vmcs';

const PAGE_FAULT = 14;
/** Of the type in interruption information. */
const TYPE_SHIFT = 8;

const cr3Targets: readonly number[] = [VMCS.cr3_target0, VMCS.cr3_target1, VMCS.cr3_target2, VMCS.cr3_target3];

/** Secondary controls in force: 0 while they are not activated. */
export function secondaryControls(vmcs: Int32Array): number {
  return vmcs[VMCS.primary_controls]! & PRIMARY.secondaryControls ? vmcs[VMCS.secondary_controls]! : 0;
}

export function usesEpt(vmcs: Int32Array): boolean {
  return (secondaryControls(vmcs) & SECONDARY.enableEpt) !== 0;
}

/** Do registers select PAE paging, whose PDPTEs are in registers? */
export function usesPdpteRegisters(registers: Int32Array): boolean {
  const format = pagingMode(registers[2 * REGISTER.cr0]!, registers[2 * REGISTER.cr4]!, registers[2 * REGISTER.efer]!);
  return format.registerLevel !== undefined;
}

/**
 * Does an exception exit? SDM Vol. 3, "Exceptions": by the bitmap, and for page faults by the bitmap exactly when the
 * error code matches, by its negation when it does not.
 */
export function exceptionExits(vmcs: Int32Array, vector: number, errorCode: number): boolean {
  const inBitmap = ((vmcs[VMCS.exception_bitmap]! >>> vector) & 1) !== 0;
  if (vector !== PAGE_FAULT) return inBitmap;
  const matches = (errorCode & vmcs[VMCS.pfec_mask]!) === vmcs[VMCS.pfec_match]!;
  return matches === inBitmap;
}

/** Writes what an exception's exit reports, `type` an `EVENT_TYPE`: an error code where the exception has one, which is nowhere in real-address mode. */
export function recordException(registers: Int32Array, vmcs: Int32Array, vector: number, errorCode: number, type: number): void {
  const hasCode = type === EVENT_TYPE.hardwareException && hasErrorCode(vector) && (registers[2 * REGISTER.cr0]! & CR0.PE) !== 0;
  vmcs[VMCS.exit_interruption_info] = vector | (type << TYPE_SHIFT) | (hasCode ? INTERRUPTION.errorCodeValid : 0) | INTERRUPTION.valid;
  vmcs[VMCS.exit_interruption_error_code] = hasCode ? errorCode : 0;
}

/** Why an operation on a register exits. */
export interface RegisterExit {
  readonly reason: number;
  readonly qualification: number;
}

/** Does writing (lo, hi) to a register exit? SDM Vol. 3, "Instructions That Cause VM Exits Conditionally". */
export function registerWriteExit(vmcs: Int32Array, register: number, lo: number, hi: number): RegisterExit | undefined {
  const primary = vmcs[VMCS.primary_controls]!;
  switch (register) {
    case REGISTER.cr0:
      return changesOwnedBit(vmcs, 'cr0_guest_host_mask', 'cr0_read_shadow', lo, hi) ? crAccess(register, CR_ACCESS.movTo) : undefined;
    case REGISTER.cr4:
      return changesOwnedBit(vmcs, 'cr4_guest_host_mask', 'cr4_read_shadow', lo, hi) ? crAccess(register, CR_ACCESS.movTo) : undefined;
    case REGISTER.cr3:
      return primary & PRIMARY.cr3LoadExiting && !isCr3Target(vmcs, lo, hi) ? crAccess(register, CR_ACCESS.movTo) : undefined;
    default:
      return undefined;
  }
}

/** SDM Vol. 3, "CR3-Target Controls": a MOV to CR3 of one of the first so many target values does not exit. */
function isCr3Target(vmcs: Int32Array, lo: number, hi: number): boolean {
  const count = vmcs[VMCS.cr3_target_count]!;
  for (let i = 0; i < count && i < cr3Targets.length; i++) {
    if (vmcs[cr3Targets[i]!] === lo && vmcs[cr3Targets[i]! + 1] === hi) return true;
  }
  return false;
}

/** Does reading a register exit? CR0 and CR4 never do: owned bits read as the read shadow has them. */
export function registerReadExit(vmcs: Int32Array, register: number): RegisterExit | undefined {
  const primary = vmcs[VMCS.primary_controls]!;
  if (register === REGISTER.cr3 && primary & PRIMARY.cr3StoreExiting) return crAccess(register, CR_ACCESS.movFrom);
  return undefined;
}

/** Bits of CR0 or CR4 (low half) that the host owns; 0 for other registers. */
export function ownedBits(vmcs: Int32Array, register: number): number {
  if (register === REGISTER.cr0) return vmcs[VMCS.cr0_guest_host_mask]!;
  return register === REGISTER.cr4 ? vmcs[VMCS.cr4_guest_host_mask]! : 0;
}

export function readShadow(vmcs: Int32Array, register: number): number {
  return register === REGISTER.cr0 ? vmcs[VMCS.cr0_read_shadow]! : vmcs[VMCS.cr4_read_shadow]!;
}

function changesOwnedBit(vmcs: Int32Array, mask: VmcsFieldName, shadow: VmcsFieldName, lo: number, hi: number): boolean {
  const changedLo = vmcs[VMCS[mask]]! & (lo ^ vmcs[VMCS[shadow]]!);
  const changedHi = vmcs[VMCS[mask] + 1]! & (hi ^ vmcs[VMCS[shadow] + 1]!);
  return (changedLo | changedHi) !== 0;
}

function crAccess(register: number, type: number): RegisterExit {
  return { reason: EXIT_REASON.cr_access, qualification: encodeCrAccess(CONTROL_REGISTER_NUMBERS.get(register) ?? 0, type) };
}
