import { hasErrorCode } from '../../delivery/exceptions';
import { CR0 } from '../../processor/controlRegisters';
import { allowedOnes, controlVectors, type ControlVectorName } from '../vmxControls';
import { eptPointerRules } from '../eptPointerRules';
import { INTERRUPTION, INTERRUPTION_TYPE, PIN, PRIMARY, SECONDARY, VM_FUNCTION, VMCS } from '../vmcs';
import { checksOf, type EntryCheck, type EntryContext, has, hasSecondary, highOf, isBeyondPhysical, isNoPage, lowOf } from './entryCheck';

const CR3_TARGETS = 4;
const NMI = 2;
const EXCEPTIONS = 32;
const LONGEST_INSTRUCTION = 15;
const MSR_AREA_ALIGNMENT = 0xf;

/** Both rules of a vector of controls; one that is not activated counts as 0. */
function settings(vector: ControlVectorName, isInUse: (context: EntryContext) => boolean): readonly EntryCheck[] {
  const { name, mustBeOne } = controlVectors[vector];
  const field = VMCS[controlVectors[vector].field];
  return checksOf('Reserved Controls and Default Settings', [
    [`a bit of the ${name} that must be 1 is 0`, (c) => isInUse(c) && (~lowOf(c, field) & mustBeOne) !== 0],
    [`a bit of the ${name} that must be 0 is 1`, (c) => isInUse(c) && (lowOf(c, field) & ~allowedOnes(vector, c.features)) !== 0],
  ]);
}

const always = (): boolean => true;
const primary = (mask: number) => (c: EntryContext): boolean => has(c, VMCS.primary_controls, mask);
const secondary = (mask: number) => (c: EntryContext): boolean => hasSecondary(c, mask);
const usesSecondary = primary(PRIMARY.secondaryControls);
const usesEpt = secondary(SECONDARY.enableEpt);
const usesIoBitmaps = primary(PRIMARY.useIoBitmaps);
const usesVmFunctions = secondary(SECONDARY.enableVmFunctions);
const switchesEptp = (c: EntryContext): boolean => usesVmFunctions(c) && has(c, VMCS.vm_function_controls, VM_FUNCTION.eptpSwitching);

/** SDM Vol. 3, "VM-Execution Control Fields". */
const executionChecks: readonly EntryCheck[] = [
  ...settings('pin', always),
  ...settings('primary', always),
  ...settings('secondary', usesSecondary),
  ...checksOf('VM-Execution Control Fields', [
    ['the CR3-target count is above 4', (c) => lowOf(c, VMCS.cr3_target_count) >>> 0 > CR3_TARGETS],
    ['an I/O-bitmap address is no page\'s', (c) => usesIoBitmaps(c) && (isNoPage(c, VMCS.io_bitmap_a) || isNoPage(c, VMCS.io_bitmap_b))],
    ['the MSR-bitmap address is no page\'s', (c) => has(c, VMCS.primary_controls, PRIMARY.useMsrBitmaps) && isNoPage(c, VMCS.msr_bitmap)],
    ['virtual NMIs without NMI exiting', (c) => has(c, VMCS.pin_controls, PIN.virtualNmis) && !has(c, VMCS.pin_controls, PIN.nmiExiting)],
    ['NMI-window exiting without virtual NMIs', (c) => (
      has(c, VMCS.primary_controls, PRIMARY.nmiWindowExiting) && !has(c, VMCS.pin_controls, PIN.virtualNmis)
    )],
    ['VPID 0 with the VPID control', (c) => hasSecondary(c, SECONDARY.enableVpid) && (lowOf(c, VMCS.vpid) & 0xffff) === 0],
    ...eptPointerRules.map(({ name, broken }) => [
      `the EPTP breaks a rule: ${name}`, (c: EntryContext) => usesEpt(c) && broken(lowOf(c, VMCS.eptp), highOf(c, VMCS.eptp), c),
    ] as const),
    ['PML without EPT', (c) => hasSecondary(c, SECONDARY.enablePml) && !usesEpt(c)],
    ['the PML address is no page\'s', (c) => hasSecondary(c, SECONDARY.enablePml) && isNoPage(c, VMCS.pml_address)],
    ['unrestricted guest without EPT', (c) => hasSecondary(c, SECONDARY.unrestrictedGuest) && !usesEpt(c)],
    ['mode-based execute control without EPT', (c) => hasSecondary(c, SECONDARY.modeBasedExecute) && !usesEpt(c)],
    ['a bit of the VM-function controls that must be 0 is 1', (c) => (
      usesVmFunctions(c) && (lowOf(c, VMCS.vm_function_controls) & ~allowedOnes('vmFunctions', c.features)) !== 0
    )],
    ['EPTP switching without EPT', (c) => switchesEptp(c) && !usesEpt(c)],
    ['the EPTP-list address is no page\'s', (c) => switchesEptp(c) && isNoPage(c, VMCS.eptp_list_address)],
    ['the virtualization-exception information address is no page\'s', (c) => (
      hasSecondary(c, SECONDARY.eptViolationVe) && isNoPage(c, VMCS.virtualization_exception_information_address)
    )],
  ]),
];

/** Three fields tell of MSRs to be stored or loaded: a count, and where the area lies. */
function areaIsNone(count: number, address: number): (context: EntryContext) => boolean {
  return (c) => lowOf(c, count) !== 0 && (has(c, address, MSR_AREA_ALIGNMENT) || isBeyondPhysical(c, address));
}

const exitChecks: readonly EntryCheck[] = [
  ...settings('exit', always),
  ...checksOf('VM-Exit Control Fields', [
    ['the VM-exit MSR-store address is none', areaIsNone(VMCS.exit_msr_store_count, VMCS.exit_msr_store_address)],
    ['the VM-exit MSR-load address is none', areaIsNone(VMCS.exit_msr_load_count, VMCS.exit_msr_load_address)],
  ]),
];

const typeOf = (c: EntryContext): number => lowOf(c, VMCS.entry_interruption_info) & INTERRUPTION.typeMask;
/** Type 1 is reserved; type 7, other event, needs the monitor trap flag, which this processor does not have. */
const noTypes: readonly number[] = [1 << 8, 7 << 8];
const vectorOf = (c: EntryContext): number => lowOf(c, VMCS.entry_interruption_info) & INTERRUPTION.vectorMask;
const injects = (c: EntryContext): boolean => has(c, VMCS.entry_interruption_info, INTERRUPTION.valid);
const withErrorCode = (c: EntryContext): boolean => has(c, VMCS.entry_interruption_info, INTERRUPTION.errorCodeValid);
const software: readonly number[] = [
  INTERRUPTION_TYPE.softwareInterrupt, INTERRUPTION_TYPE.privilegedSoftwareException, INTERRUPTION_TYPE.softwareException,
];

/** An error code goes with those hardware exceptions that have one, and only in protected mode. */
function needsErrorCode(c: EntryContext): boolean {
  const isProtected = !hasSecondary(c, SECONDARY.unrestrictedGuest) || has(c, VMCS.guest_cr0, CR0.PE);
  return isProtected && typeOf(c) === INTERRUPTION_TYPE.hardwareException && hasErrorCode(vectorOf(c));
}

const entryFieldChecks: readonly EntryCheck[] = [
  ...settings('entry', always),
  ...checksOf('VM-Entry Control Fields', [
    ['the injected event has a reserved type', (c) => injects(c) && noTypes.includes(typeOf(c))],
    ['the injected event is an NMI with a vector other than 2', (c) => (
      injects(c) && typeOf(c) === INTERRUPTION_TYPE.nmi && vectorOf(c) !== NMI
    )],
    ['the injected event is a hardware exception with a vector above 31', (c) => (
      injects(c) && typeOf(c) === INTERRUPTION_TYPE.hardwareException && vectorOf(c) >= EXCEPTIONS
    )],
    ['the injected event has an error code that does not belong to it, or lacks its own', (c) => (
      injects(c) && withErrorCode(c) !== needsErrorCode(c)
    )],
    ['a reserved bit of the interruption information is 1', (c) => injects(c) && has(c, VMCS.entry_interruption_info, INTERRUPTION.reserved)],
    ['the error code to be injected has a bit above 15', (c) => (
      injects(c) && withErrorCode(c) && lowOf(c, VMCS.entry_exception_error_code) >>> 16 !== 0
    )],
    ['the injected software event has an instruction length outside 0 to 15', (c) => (
      injects(c) && software.includes(typeOf(c)) && lowOf(c, VMCS.entry_instruction_length) >>> 0 > LONGEST_INSTRUCTION
    )],
    ['the VM-entry MSR-load address is none', areaIsNone(VMCS.entry_msr_load_count, VMCS.entry_msr_load_address)],
  ]),
];

/** SDM Vol. 3, "Checks on VMX Controls": a broken one is VM-instruction error 7. */
export const controlChecks: readonly EntryCheck[] = [...executionChecks, ...exitChecks, ...entryFieldChecks];
