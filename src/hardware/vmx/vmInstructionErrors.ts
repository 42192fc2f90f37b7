/** One VM-instruction error. SDM Vol. 3, "VM-Instruction Error Numbers". */
export interface VmInstructionError {
  readonly number: number;
  readonly key: string;
  /** In the manual's words. */
  readonly text: string;
}

export const vmInstructionErrors = [
  { number: 1, key: 'vmcallInRoot', text: 'VMCALL executed in VMX root operation' },
  { number: 2, key: 'vmclearInvalidAddress', text: 'VMCLEAR with invalid physical address' },
  { number: 3, key: 'vmclearVmxonPointer', text: 'VMCLEAR with VMXON pointer' },
  { number: 4, key: 'vmlaunchNonClear', text: 'VMLAUNCH with non-clear VMCS' },
  { number: 5, key: 'vmresumeNonLaunched', text: 'VMRESUME with non-launched VMCS' },
  { number: 6, key: 'vmresumeAfterVmxoff', text: 'VMRESUME after VMXOFF' },
  { number: 7, key: 'invalidControls', text: 'VM entry with invalid control field(s)' },
  { number: 8, key: 'invalidHostState', text: 'VM entry with invalid host-state field(s)' },
  { number: 9, key: 'vmptrldInvalidAddress', text: 'VMPTRLD with invalid physical address' },
  { number: 10, key: 'vmptrldVmxonPointer', text: 'VMPTRLD with VMXON pointer' },
  { number: 11, key: 'vmptrldWrongRevision', text: 'VMPTRLD with incorrect VMCS revision identifier' },
  { number: 12, key: 'unsupportedComponent', text: 'VMREAD/VMWRITE from/to unsupported VMCS component' },
  { number: 13, key: 'readOnlyComponent', text: 'VMWRITE to read-only VMCS component' },
  { number: 15, key: 'vmxonInRoot', text: 'VMXON executed in VMX root operation' },
  { number: 26, key: 'blockedByMovSs', text: 'VM entry with events blocked by MOV SS' },
  { number: 28, key: 'invalidOperand', text: 'Invalid operand to INVEPT/INVVPID' },
] as const satisfies readonly VmInstructionError[];

export type VmInstructionErrorKey = (typeof vmInstructionErrors)[number]['key'];

/** Number of each error, by key. */
export const VM_INSTRUCTION_ERROR =
  Object.fromEntries(vmInstructionErrors.map((row) => [row.key, row.number])) as Record<VmInstructionErrorKey, number>;

const byNumber = new Map<number, VmInstructionError>(vmInstructionErrors.map((row) => [row.number, row]));

/** Text of an error number; undefined for one that the manual does not give. */
export function vmInstructionErrorText(number: number): string | undefined {
  return byNumber.get(number)?.text;
}

/** How a VMX instruction ended. SDM Vol. 3, "Conventions" of the VMX instruction reference: CF, or ZF with an error number. */
export type VmxOutcome =
  | { readonly kind: 'succeed' }
  /** There is no current VMCS. */
  | { readonly kind: 'fail invalid' }
  /** `error`: a `VM_INSTRUCTION_ERROR`, which the VM-instruction error field then has. */
  | { readonly kind: 'fail valid'; readonly error: number };
