import { MSR } from '../../hardware/processor/msrNumbers';
import { REGISTER } from '../../hardware/processor/registers';
import type { PermissionBits } from '../../hardware/memory/permissionBits';
import type { PendingOperation } from '../../hardware/processor/rootMode';
import { ioExits, msrExits } from '../../hardware/vmx/bitmapExits';
import { EXIT_REASON, type ExitReasonKey } from '../../hardware/vmx/exitReasons';
import { INTERRUPTION, INTERRUPTION_TYPE, PIN, PRIMARY, VMCS } from '../../hardware/vmx/vmcs';
import { exceptionExits } from '../../hardware/vmx/vmxTransitions';
import { OPERATION } from '../../hardware/paging/accessKinds';

/** An exit of L2 that L0 is asked about. */
export interface NestedExit {
  /** What L1 has written into its VMCS. */
  readonly vmcs12: Int32Array;
  /** What the processor has written into vmcs02. */
  readonly vmcs02: Int32Array;
  readonly registers: Int32Array;
  readonly pending: PendingOperation;
  /** Bits of the maps in L1's memory. */
  readonly bits: Pick<PermissionBits, 'at'>;
}

type Wants = (exit: NestedExit) => boolean;

/** SDM Vol. 3, "Exit Qualification for I/O Instructions". */
const IO_SIZE_LESS_1 = 7;
const IO_PORT_SHIFT = 16;

const always: Wants = () => true;
const never: Wants = () => false;
const primary = (mask: number): Wants => ({ vmcs12 }) => (vmcs12[VMCS.primary_controls]! & mask) !== 0;

/**
 * Does L1 want to hear of an exit of L2? KVM's nested_vmx_l1_wants_exit. What is not listed can only come of a control of
 * L1's, and is L1's; what L0 asks for by itself (EPT, interrupts, its own windows) is L0's first.
 */
const rows: Readonly<Partial<Record<ExitReasonKey, Wants>>> = {
  exception_nmi: ({ vmcs12, vmcs02 }) => {
    const info = vmcs02[VMCS.exit_interruption_info]!;
    if ((info & INTERRUPTION.typeMask) === INTERRUPTION_TYPE.nmi) {
      return (vmcs12[VMCS.pin_controls]! & PIN.nmiExiting) !== 0;
    }
    return exceptionExits(vmcs12, info & INTERRUPTION.vectorMask, vmcs02[VMCS.exit_interruption_error_code]!);
  },
  external_interrupt: never,
  triple_fault: always,
  interrupt_window: primary(PRIMARY.interruptWindowExiting),
  nmi_window: primary(PRIMARY.nmiWindowExiting),
  cpuid: always,
  vmcall: always,
  hlt: primary(PRIMARY.hltExiting),
  invlpg: primary(PRIMARY.invlpgExiting),
  invpcid: primary(PRIMARY.invlpgExiting),
  cr_access: always,
  io_instruction: ({ vmcs12, vmcs02, bits }) => {
    const qualification = vmcs02[VMCS.exit_qualification]!;
    return ioExits(vmcs12, bits, qualification >>> IO_PORT_SHIFT, (qualification & IO_SIZE_LESS_1) + 1);
  },
  rdmsr: (exit) => msrExits(exit.vmcs12, exit.bits, msrOf(exit), 'read'),
  wrmsr: (exit) => msrExits(exit.vmcs12, exit.bits, msrOf(exit), 'write'),
  ept_violation: never,
  ept_misconfiguration: never,
  pml_full: never,
};

const byNumber = new Map<number, Wants>(Object.entries(rows).map(([key, wants]) => [EXIT_REASON[key as ExitReasonKey], wants]));

/** Is the exit that `vmcs02` tells of L1's to handle? */
export function l1Wants(exit: NestedExit): boolean {
  return (byNumber.get(exit.vmcs02[VMCS.exit_reason]!) ?? always)(exit);
}

/** A scenario also names EFER as a register, and its MOV is a RDMSR or WRMSR that needs no ECX. */
function msrOf({ registers, pending }: NestedExit): number {
  const isByName = pending.operation === OPERATION.writeRegister || pending.operation === OPERATION.readRegister;
  return isByName ? MSR.efer : registers[2 * REGISTER.rcx]!;
}
