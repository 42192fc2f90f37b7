import { type ExitReasonKey, EXIT_REASON } from '../vmx/exitReasons';
import { VMCB } from './vmcb';

/** One EXITCODE of #VMEXIT. `name` as in APM Vol. 2, "SVM Intercept Exit Codes". */
export interface SvmExitCode {
  readonly code: number;
  readonly name: string;
  /** The VMX reason of the same cause, under which it counts. */
  readonly countsAs: ExitReasonKey;
  /** A code with a bit in the intercept vectors has that bit's number. */
  readonly by: 'intercept' | 'itself';
}

const controlRegisters = [0, 2, 3, 4, 8] as const;
/** Exceptions that this machine can raise or inject have names; the others go by number. */
const EXCEPTIONS = 32;

const named = [
  { code: 0x60, name: 'INTR', countsAs: 'external_interrupt', by: 'intercept' },
  { code: 0x61, name: 'NMI', countsAs: 'exception_nmi', by: 'intercept' },
  { code: 0x63, name: 'INIT', countsAs: 'init_signal', by: 'intercept' },
  { code: 0x64, name: 'VINTR', countsAs: 'interrupt_window', by: 'intercept' },
  { code: 0x65, name: 'CR0_SEL_WRITE', countsAs: 'cr_access', by: 'intercept' },
  { code: 0x66, name: 'IDTR_READ', countsAs: 'gdtr_idtr', by: 'intercept' },
  { code: 0x67, name: 'GDTR_READ', countsAs: 'gdtr_idtr', by: 'intercept' },
  { code: 0x68, name: 'LDTR_READ', countsAs: 'ldtr_tr', by: 'intercept' },
  { code: 0x69, name: 'TR_READ', countsAs: 'ldtr_tr', by: 'intercept' },
  { code: 0x72, name: 'CPUID', countsAs: 'cpuid', by: 'intercept' },
  // INT n, for which VMX has no exit: it counts as the event that it raises.
  { code: 0x75, name: 'SWINT', countsAs: 'exception_nmi', by: 'intercept' },
  { code: 0x78, name: 'HLT', countsAs: 'hlt', by: 'intercept' },
  { code: 0x79, name: 'INVLPG', countsAs: 'invlpg', by: 'intercept' },
  // It drops one address of one tag, as INVVPID of an individual address does.
  { code: 0x7a, name: 'INVLPGA', countsAs: 'invvpid', by: 'intercept' },
  { code: 0x7b, name: 'IOIO', countsAs: 'io_instruction', by: 'intercept' },
  // EXITINFO1 tells RDMSR from WRMSR, and `exitReasonOfSvm` counts it accordingly.
  { code: 0x7c, name: 'MSR', countsAs: 'rdmsr', by: 'intercept' },
  { code: 0x7d, name: 'TASK_SWITCH', countsAs: 'task_switch', by: 'intercept' },
  { code: 0x7f, name: 'SHUTDOWN', countsAs: 'triple_fault', by: 'intercept' },
  { code: 0x80, name: 'VMRUN', countsAs: 'vmlaunch', by: 'intercept' },
  { code: 0x81, name: 'VMMCALL', countsAs: 'vmcall', by: 'intercept' },
  { code: 0xa2, name: 'INVPCID', countsAs: 'invpcid', by: 'intercept' },
  // This model's own, in the last bit of the vectors: no processor intercepts plain accesses.
  { code: 0xbf, name: 'ACCESS', countsAs: 'interpreted_access', by: 'intercept' },
  { code: 0x400, name: 'NPF', countsAs: 'npf', by: 'itself' },
  { code: -1, name: 'INVALID', countsAs: 'entry_failure_guest_state', by: 'itself' },
] as const satisfies readonly SvmExitCode[];

/** Every EXITCODE that this machine makes. */
export const svmExitCodes: readonly SvmExitCode[] = [
  ...controlRegisters.map((cr) => ({ code: cr, name: `CR${cr}_READ`, countsAs: 'cr_access', by: 'intercept' }) as const),
  ...controlRegisters.map((cr) => ({ code: 0x10 + cr, name: `CR${cr}_WRITE`, countsAs: 'cr_access', by: 'intercept' }) as const),
  ...Array.from({ length: EXCEPTIONS }, (_, vector) => (
    { code: 0x40 + vector, name: `EXCP${vector}`, countsAs: 'exception_nmi', by: 'intercept' } as const
  )),
  ...named,
];

/** EXITCODE by name. Those of CRs and of exceptions begin where `readCr0`, `writeCr0` and `exception0` say. */
export const SVM_EXIT = {
  readCr0: 0x00, writeCr0: 0x10, exception0: 0x40,
  intr: 0x60, nmi: 0x61, vintr: 0x64, cr0SelectiveWrite: 0x65,
  idtrRead: 0x66, gdtrRead: 0x67, ldtrRead: 0x68, trRead: 0x69, cpuid: 0x72, swint: 0x75, hlt: 0x78, invlpg: 0x79, invlpga: 0x7a,
  ioio: 0x7b, msr: 0x7c, taskSwitch: 0x7d, shutdown: 0x7f, vmrun: 0x80, vmmcall: 0x81, invpcid: 0xa2, access: 0xbf, npf: 0x400, invalid: -1,
} as const;

const rows = new Map(svmExitCodes.map((row) => [row.code, row]));

/** Row of an EXITCODE (low half), or undefined for one that this machine does not make. */
export function svmExitCodeOf(code: number): SvmExitCode | undefined {
  return rows.get(code);
}

/** Basic reason of VMX under which an exit counts; `info1`: low half of EXITINFO1, which tells RDMSR from WRMSR. */
export function exitReasonOfSvm(code: number, info1: number): number {
  if (code === SVM_EXIT.msr && info1 === 1) return EXIT_REASON.wrmsr;
  const row = rows.get(code);
  if (row === undefined) throw new Error(`invariant: EXITCODE ${code} is not in the table`);
  return EXIT_REASON[row.countsAs];
}

/** Is the intercept with this EXITCODE on? The words from `intercept_cr` on are one vector of bits. */
export function isIntercepted(vmcb: Int32Array, code: number): boolean {
  return ((vmcb[VMCB.intercept_cr + 2 * (code >>> 5)]! >>> (code & 31)) & 1) !== 0;
}

/** Turns intercepts on, by EXITCODE. */
export function intercept(vmcb: Int32Array, ...codes: readonly number[]): void {
  for (const code of codes) vmcb[VMCB.intercept_cr + 2 * (code >>> 5)]! |= 1 << (code & 31);
}
