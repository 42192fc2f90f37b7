import { crAccessQualification, decodeQualification } from '../hardware/vmx/exitQualification';
import { type ExitReasonKey, exitReasonOf } from '../hardware/vmx/exitReasons';

/** Why something leaves the guest, and where the manual says so. */
export interface ExitCause {
  readonly why: string;
  readonly section: string;
}

const CONDITIONALLY = 'SDM Vol. 3, "Instructions That Cause VM Exits Conditionally"';
const UNCONDITIONALLY = 'SDM Vol. 3, "Instructions That Cause VM Exits Unconditionally"';
const OTHERS = 'SDM Vol. 3, "Other Causes of VM Exits"';

function controlled(instruction: string, control: string): ExitCause {
  return { why: `${instruction} exits while the VM-execution control "${control}" is 1`, section: CONDITIONALLY };
}

function always(instruction: string): ExitCause {
  return { why: `${instruction} exits whatever the controls are`, section: UNCONDITIONALLY };
}

/** Of VMX, by reason. Those of EPT are told from its entries. */
const causes: Partial<Record<ExitReasonKey, ExitCause>> = {
  exception_nmi: { why: 'the exception bitmap has the vector\'s bit', section: OTHERS },
  external_interrupt: { why: '"external-interrupt exiting" is 1', section: OTHERS },
  triple_fault: { why: 'a fault came while the double fault was delivered', section: OTHERS },
  cpuid: always('CPUID'), vmcall: always('VMCALL'), invd: always('INVD'), xsetbv: always('XSETBV'),
  vmclear: always('VMCLEAR'), vmlaunch: always('VMLAUNCH'), vmptrld: always('VMPTRLD'), vmptrst: always('VMPTRST'), vmread: always('VMREAD'),
  vmresume: always('VMRESUME'), vmwrite: always('VMWRITE'), vmxoff: always('VMXOFF'), vmxon: always('VMXON'), invept: always('INVEPT'), invvpid: always('INVVPID'),
  hlt: controlled('HLT', 'HLT exiting'),
  invlpg: controlled('INVLPG', 'INVLPG exiting'),
  invpcid: controlled('INVPCID', 'INVLPG exiting'),
  io_instruction: { why: '"unconditional I/O exiting" is 1, or an I/O bitmap has the port\'s bit', section: CONDITIONALLY },
  rdmsr: { why: 'MSR bitmaps are not used, or have the bit of the MSR', section: CONDITIONALLY },
  wrmsr: { why: 'MSR bitmaps are not used, or have the bit of the MSR', section: CONDITIONALLY },
  pml_full: { why: 'the page-modification log has no free entry', section: 'SDM Vol. 3, "Page-Modification Logging"' },
  vmfunc: { why: 'the VM function is not enabled, or its operand is none that it takes', section: 'SDM Vol. 3, "VM Functions"' },
  ept_violation: { why: 'EPT does not give the access that was asked for', section: 'SDM Vol. 3, "EPT Violations"' },
  ept_misconfiguration: { why: 'an EPT entry has a value that is reserved', section: 'SDM Vol. 3, "EPT Misconfigurations"' },
};

/** Of SVM: what the VMCB intercepts. */
const svmCauses: Partial<Record<ExitReasonKey, ExitCause>> = {
  npf: { why: 'the nested page tables do not give the access that was asked for', section: 'APM Vol. 2, "Nested Page Faults"' },
  exception_nmi: { why: 'the VMCB intercepts the vector', section: 'APM Vol. 2, "Exception Intercepts"' },
  cr_access: { why: 'the VMCB intercepts the access to the control register', section: 'APM Vol. 2, "MOV CRx/DRx Intercepts"' },
  io_instruction: { why: 'the I/O permissions map has the port\'s bit', section: 'APM Vol. 2, "IOIO Intercept"' },
  interpreted_access: { why: 'software makes every access of this guest; no processor has this intercept, and no manual', section: '' },
};

/** A trap to a hypervisor without VMX, whose guest runs at CPL 3. */
const DEPRIVILEGED: ExitCause = {
  why: 'the guest\'s kernel runs at CPL 3, where what is privileged or refused traps, and the IDT is the hypervisor\'s', section: 'SDM Vol. 3, "Privileged Instructions"',
};

/** Why a VM exit of this reason comes, under a technique; undefined: its reason says all. `qualification`: its low half. */
export function exitCause(reason: number, qualification: number, how: 'vmx' | 'svm' | 'deprivileged'): ExitCause | undefined {
  const key = exitReasonOf(reason)?.key as ExitReasonKey | undefined;
  if (key === undefined) return undefined;
  if (how === 'deprivileged') return DEPRIVILEGED;
  if (how === 'svm') return svmCauses[key] ?? { why: 'the VMCB intercepts it', section: 'APM Vol. 2, "Instruction Intercepts"' };
  return key === 'cr_access' ? controlRegisterCause(qualification) : causes[key];
}

function controlRegisterCause(qualification: number): ExitCause {
  const decoded = decodeQualification(crAccessQualification, qualification);
  const register = decoded.get('control register') ?? 0;
  const isStore = decoded.get('access type') === 1;
  if (register === 3) return isStore ? controlled('MOV from CR3', 'CR3-store exiting') : controlled('MOV to CR3', 'CR3-load exiting');
  return { why: `a MOV to CR${register} exits when it changes a bit that the CR${register} guest/host mask gives to the hypervisor`, section: CONDITIONALLY };
}
