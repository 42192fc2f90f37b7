/**
 * How the software that runs a guest reaches what it has of VMX: VMREAD and VMWRITE of the guest's VMCS, and INVEPT. Software in
 * VMX root operation has them from its processor; a hypervisor that is a guest itself exits with each. Fields are named by their
 * words in `VMCS`.
 */
export interface VmcsAccess {
  /** High half of the field that `read` has read last. */
  readonly hi: number;
  /** VMREAD: the low half. */
  read(at: number): number;
  /** VMWRITE of a pair, of which a narrower field takes the low bits. */
  write(at: number, lo: number, hi: number): void;
  /** INVEPT, single context. */
  invept(eptpLo: number, eptpHi: number): void;
}

/** Of root operation: the VMCS that the processor has. */
export class CurrentVmcs implements VmcsAccess {
  hi = 0;

  constructor(private readonly vmcs: Int32Array, private readonly invalidate: (eptpLo: number, eptpHi: number) => void) {}

  read(at: number): number {
    this.hi = this.vmcs[at + 1]!;
    return this.vmcs[at]!;
  }

  write(at: number, lo: number, hi: number): void {
    this.vmcs[at] = lo;
    this.vmcs[at + 1] = hi;
  }

  invept(eptpLo: number, eptpHi: number): void {
    this.invalidate(eptpLo, eptpHi);
  }
}
