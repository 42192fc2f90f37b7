/** One basic exit reason. `name` as in SDM Vol. 3, "VMX Basic Exit Reasons"; `key` as in `run --json`. */
export interface ExitReason {
  readonly number: number;
  readonly name: string;
  readonly key: string;
}

export const exitReasons = [
  { number: 0, name: 'Exception or non-maskable interrupt', key: 'exception_nmi' },
  { number: 1, name: 'External interrupt', key: 'external_interrupt' },
  { number: 2, name: 'Triple fault', key: 'triple_fault' },
  { number: 3, name: 'INIT signal', key: 'init_signal' },
  { number: 4, name: 'Start-up IPI', key: 'startup_ipi' },
  { number: 7, name: 'Interrupt window', key: 'interrupt_window' },
  { number: 8, name: 'NMI window', key: 'nmi_window' },
  { number: 9, name: 'Task switch', key: 'task_switch' },
  { number: 10, name: 'CPUID', key: 'cpuid' },
  { number: 12, name: 'HLT', key: 'hlt' },
  { number: 13, name: 'INVD', key: 'invd' },
  { number: 14, name: 'INVLPG', key: 'invlpg' },
  { number: 15, name: 'RDPMC', key: 'rdpmc' },
  { number: 16, name: 'RDTSC', key: 'rdtsc' },
  { number: 18, name: 'VMCALL', key: 'vmcall' },
  { number: 19, name: 'VMCLEAR', key: 'vmclear' },
  { number: 20, name: 'VMLAUNCH', key: 'vmlaunch' },
  { number: 21, name: 'VMPTRLD', key: 'vmptrld' },
  { number: 22, name: 'VMPTRST', key: 'vmptrst' },
  { number: 23, name: 'VMREAD', key: 'vmread' },
  { number: 24, name: 'VMRESUME', key: 'vmresume' },
  { number: 25, name: 'VMWRITE', key: 'vmwrite' },
  { number: 26, name: 'VMXOFF', key: 'vmxoff' },
  { number: 27, name: 'VMXON', key: 'vmxon' },
  { number: 28, name: 'Control-register accesses', key: 'cr_access' },
  { number: 29, name: 'MOV DR', key: 'mov_dr' },
  { number: 30, name: 'I/O instruction', key: 'io_instruction' },
  { number: 31, name: 'RDMSR', key: 'rdmsr' },
  { number: 32, name: 'WRMSR', key: 'wrmsr' },
  { number: 33, name: 'VM-entry failure due to invalid guest state', key: 'entry_failure_guest_state' },
  { number: 34, name: 'VM-entry failure due to MSR loading', key: 'entry_failure_msr_loading' },
  { number: 36, name: 'MWAIT', key: 'mwait' },
  { number: 37, name: 'Monitor trap flag', key: 'monitor_trap_flag' },
  { number: 39, name: 'MONITOR', key: 'monitor' },
  { number: 40, name: 'PAUSE', key: 'pause' },
  { number: 41, name: 'VM-entry failure due to machine-check event', key: 'entry_failure_machine_check' },
  { number: 43, name: 'TPR below threshold', key: 'tpr_below_threshold' },
  { number: 44, name: 'APIC access', key: 'apic_access' },
  { number: 45, name: 'Virtualized EOI', key: 'virtualized_eoi' },
  { number: 46, name: 'Access to GDTR or IDTR', key: 'gdtr_idtr' },
  { number: 47, name: 'Access to LDTR or TR', key: 'ldtr_tr' },
  { number: 48, name: 'EPT violation', key: 'ept_violation' },
  { number: 49, name: 'EPT misconfiguration', key: 'ept_misconfiguration' },
  { number: 50, name: 'INVEPT', key: 'invept' },
  { number: 51, name: 'RDTSCP', key: 'rdtscp' },
  { number: 52, name: 'VMX-preemption timer expired', key: 'preemption_timer' },
  { number: 53, name: 'INVVPID', key: 'invvpid' },
  { number: 54, name: 'WBINVD', key: 'wbinvd' },
  { number: 55, name: 'XSETBV', key: 'xsetbv' },
  { number: 56, name: 'APIC write', key: 'apic_write' },
  { number: 57, name: 'RDRAND', key: 'rdrand' },
  { number: 58, name: 'INVPCID', key: 'invpcid' },
  { number: 59, name: 'VMFUNC', key: 'vmfunc' },
  { number: 61, name: 'RDSEED', key: 'rdseed' },
  { number: 62, name: 'Page-modification log full', key: 'pml_full' },
  { number: 66, name: 'SPP-related event', key: 'spp' },
  // No processor has this one, and no manual: it is this model's own, of a guest whose every access software makes.
  { number: 94, name: 'Interpreted access', key: 'interpreted_access' },
  // SVM's exits go by the VMX reason of the same cause. This one has none: the number is ours, EXITCODE is 0x400.
  { number: 95, name: 'Nested page fault', key: 'npf' },
] as const satisfies readonly ExitReason[];

export type ExitReasonKey = (typeof exitReasons)[number]['key'];

/** Number of each basic exit reason, by key. */
export const EXIT_REASON = Object.fromEntries(exitReasons.map((row) => [row.key, row.number])) as Record<ExitReasonKey, number>;

const byNumber = new Map<number, ExitReason>(exitReasons.map((row) => [row.number, row]));

/** Row of a basic exit reason, or undefined for a number that the manual does not give. */
export function exitReasonOf(number: number): ExitReason | undefined {
  return byNumber.get(number);
}
