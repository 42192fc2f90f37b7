/** Beside `RESUME` and EXCEPTION: no control or intercept asks for an exit, and the processor does the instruction. */
export const NO_EXIT = 6;

/**
 * What of a guest's doings exits, and the exit itself: the controls of the VMCS (`vmx/vmxExits`) or the intercepts of
 * the VMCB (`svm/svmExits`). An instruction asks here after its own checks of privilege and before it does anything.
 * Each method comes back with NO_EXIT, or with what the exit and its handling led to: a `RESUME` or EXCEPTION. Outside
 * non-root operation the answer is NO_EXIT. Values are pairs of 32-bit halves.
 */
export interface InstructionExits {
  /** An exception that is about to be delivered; (lo, hi): the linear address of a page fault; `type`: an `EVENT_TYPE`, left out: of hardware. */
  exception(vector: number, errorCode: number, lo: number, hi: number, type?: number): number;
  /** INT n. */
  softwareInterrupt(vector: number): number;
  /** A task switch by hardware; `source`: a `TASK_SWITCH`. */
  taskSwitch(selector: number, source: number): number;
  nmi(): number;
  /** Nothing blocks NMIs any more. */
  nmiWindow(): number;
  /** An interrupt asks to be taken; `acknowledge` takes its vector from the local APIC. */
  externalInterrupt(acknowledge: () => number): number;
  /** RFLAGS.IF is 1, and nothing blocks interrupts. */
  interruptWindow(): number;
  /** The delivery of a double fault has faulted: a shutdown of the processor, or of the guest. */
  tripleFault(): number;
  /** MOV to a control register, WRMSR of EFER; `register`: a `REGISTER`. */
  registerWrite(register: number, lo: number, hi: number): number;
  registerRead(register: number): number;
  invlpg(lo: number, hi: number): number;
  /** Executed where EFER.SVME is 1, which is never so on a processor with VMX. */
  invlpga(): number;
  vmrun(): number;
  cpuid(): number;
  hlt(): number;
  /** SGDT, SIDT, SLDT or STR, by its `OPERATION`. */
  storeTable(operation: number): number;
  /** SMSW: a read of CR0, which only SVM intercepts. */
  smsw(): number;
  /** VMCALL, on AMD VMMCALL. */
  vmcall(): number;
  /** A VMX instruction but VMCALL and VMFUNC, by the exit reason that it has. */
  vmx(reason: number): number;
  /** IN or OUT of 1, 2 or 4 bytes. */
  io(port: number, size: number, direction: 'in' | 'out'): number;
  /** RDMSR or WRMSR of an MSR by its number, as ECX has it. */
  msr(msr: number, how: 'read' | 'write'): number;
  /** (lo, hi): linear address of the descriptor. */
  invpcid(type: number, lo: number, hi: number): number;
}
