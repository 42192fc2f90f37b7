import { OP, type ValueType } from './program';

export interface InstructionOperand {
  readonly name: string;
  readonly type: ValueType;
}

/** An instruction of the processor that a scenario writes as a call. */
export interface InstructionRow {
  readonly name: string;
  readonly operands: readonly InstructionOperand[];
  /** `none`, or the type of what the call gives. */
  readonly result: ValueType;
  /** The operation that does it; `OP.instruction` with the row's number for those without one of their own. */
  readonly operation: number;
  /**
   * An access of the mode's own word, restarted as one unit: behind the operands stands one more register, which holds
   * the word's size in bytes.
   */
  readonly isAccess?: true;
  /** Its operand may also be a nested guest's name: the register behind it is 1, and the operand that VM's number. */
  readonly isVmcs?: true;
  /** Only a guest hypervisor has a use for it: a nested guest must be declared. */
  readonly isHypervisors?: true;
  readonly documentation: string;
}

const number = (name: string): InstructionOperand => ({ name, type: 'number' });
const address = (name: string): InstructionOperand => ({ name, type: 'gva' });

/**
 * Instructions by number. What stands in fixed registers on a processor is an operand here, and is moved to that
 * register first: `rdmsr(n)` puts n into ECX, and gives EDX:EAX. SDM Vol. 2, "Instruction Set Reference".
 */
export const instructionRows: readonly InstructionRow[] = [
  { name: 'invlpg', operands: [address('a')], result: 'none', operation: OP.invlpg, documentation: 'Invalidates TLB entries of the page of `a`.' },
  { name: 'fetch', operands: [address('a')], result: 'none', operation: OP.fetch, documentation: 'Fetches an instruction from `a`: the only instruction fetch there is.' },
  { name: 'stac', operands: [], result: 'none', operation: OP.stac, documentation: 'Sets RFLAGS.AC: SMAP lets the kernel touch user pages.' },
  { name: 'clac', operands: [], result: 'none', operation: OP.clac, documentation: 'Clears RFLAGS.AC: SMAP is in force again.' },
  { name: 'invpcid', operands: [number('type'), number('pcid'), address('a')], result: 'none', operation: OP.instruction, documentation: 'Invalidates by PCID. Types: 0 one address of `pcid`, 1 all of `pcid` but global pages, 2 everything, 3 everything but global pages.' },
  { name: 'cpuid', operands: [number('leaf')], result: 'number', operation: OP.instruction, documentation: 'CPUID of `leaf`, subleaf in ECX. Gives EAX; EBX, ECX and EDX hold the rest.' },
  { name: 'rdmsr', operands: [number('n')], result: 'number', operation: OP.instruction, documentation: 'Reads model-specific register `n`: EDX:EAX as one number.' },
  { name: 'wrmsr', operands: [number('n'), number('v')], result: 'none', operation: OP.instruction, documentation: 'Writes `v` to model-specific register `n`.' },
  { name: 'hlt', operands: [], result: 'none', operation: OP.instruction, documentation: 'Halts until an interrupt comes.' },
  { name: 'inb', operands: [number('port')], result: 'number', operation: OP.instruction, documentation: 'Reads a byte from an I/O port.' },
  { name: 'inw', operands: [number('port')], result: 'number', operation: OP.instruction, documentation: 'Reads 2 bytes from an I/O port.' },
  { name: 'inl', operands: [number('port')], result: 'number', operation: OP.instruction, documentation: 'Reads 4 bytes from an I/O port.' },
  { name: 'outb', operands: [number('port'), number('v')], result: 'none', operation: OP.instruction, documentation: 'Writes a byte to an I/O port.' },
  { name: 'outw', operands: [number('port'), number('v')], result: 'none', operation: OP.instruction, documentation: 'Writes 2 bytes to an I/O port.' },
  { name: 'outl', operands: [number('port'), number('v')], result: 'none', operation: OP.instruction, documentation: 'Writes 4 bytes to an I/O port.' },
  { name: 'int', operands: [number('n')], result: 'none', operation: OP.instruction, documentation: 'Software interrupt: calls the handler `on interrupt n`.' },
  { name: 'iret', operands: [], result: 'none', operation: OP.iret, documentation: 'Leaves the handler here, as its end does.' },
  { name: 'vmcall', operands: [number('n')], result: 'number', operation: OP.instruction, documentation: 'Calls the hypervisor with `n` in RAX; gives RAX. #UD where there is none.' },
  { name: 'vmfunc', operands: [number('function'), number('n')], result: 'none', operation: OP.instruction, documentation: 'VM function: vmfunc(0, n) switches to entry `n` of the EPTP list.' },
  { name: 'xchg', operands: [address('a'), number('v')], result: 'number', operation: OP.instruction, isAccess: true, documentation: 'Stores `v` at `a` and gives what was there, as one locked read-modify-write.' },
  { name: 'cmpxchg', operands: [address('a'), number('old'), number('new')], result: 'number', operation: OP.instruction, isAccess: true, documentation: 'Stores `new` at `a` when `old` is there; gives what was there.' },
  { name: 'ipi', operands: [number('cpu'), number('vector')], result: 'none', operation: OP.instruction, documentation: 'Sends an interrupt to another CPU by the local APIC.' },
  { name: 'random', operands: [number('n')], result: 'number', operation: OP.instruction, documentation: 'A number from 0 to n - 1, the same in every run; 0 for n = 0.' },
  { name: 'sti', operands: [], result: 'none', operation: OP.instruction, documentation: 'Sets RFLAGS.IF: interrupts are taken, after one more instruction.' },
  { name: 'cli', operands: [], result: 'none', operation: OP.instruction, documentation: 'Clears RFLAGS.IF: interrupts wait.' },
  { name: 'vmclear', operands: [{ name: 'vm', type: 'gpa' }], result: 'none', operation: OP.instruction, isVmcs: true, isHypervisors: true, documentation: 'VMCLEAR of the VMCS region of a nested guest, or of one at a guest-physical address: its launch state is clear, and it is current no more. `rflags.CF` and `rflags.ZF` tell VMfailInvalid and VMfailValid.' },
  { name: 'vmptrld', operands: [{ name: 'vm', type: 'gpa' }], result: 'none', operation: OP.instruction, isVmcs: true, isHypervisors: true, documentation: 'VMPTRLD: the VMCS of a nested guest, or that in a region at a guest-physical address, is current from here on: `vmcs.FIELD` means its fields.' },
  { name: 'invept', operands: [number('type'), number('eptp')], result: 'none', operation: OP.instruction, isHypervisors: true, documentation: 'INVEPT by a guest hypervisor. Types: 1 what is cached by `eptp`, 2 by any EPT pointer.' },
  { name: 'invvpid', operands: [number('type'), number('vpid'), address('a')], result: 'none', operation: OP.instruction, isHypervisors: true, documentation: 'INVVPID by a guest hypervisor. Types: 0 one address of `vpid`, 1 all of `vpid`, 2 all VPIDs, 3 all of `vpid` but global pages.' },
  { name: 'vmlaunch', operands: [number('vm')], result: 'number', operation: OP.instruction, documentation: 'Enters the nested guest for the first time; gives the reason of its next VM exit, or all ones when VMLAUNCH fails: then `rflags.CF` or `rflags.ZF` is 1, and `vmcs.vm_instruction_error` says why. Behind an exit the CPU has the registers of the host-state area, and interrupts are off.' },
  { name: 'vmresume', operands: [number('vm')], result: 'number', operation: OP.instruction, documentation: 'Enters the nested guest again, at the instruction that had exited, or behind it when `vmcs.guest_rip` has been moved; gives what `vmlaunch` does.' },
  { name: 'sgdt', operands: [], result: 'gva', operation: OP.instruction, documentation: 'SGDT: gives the base of GDTR, at any CPL. A guest has its own; the control "descriptor-table exiting" would make it exit.' },
  { name: 'sidt', operands: [], result: 'gva', operation: OP.instruction, documentation: 'SIDT: gives the base of IDTR, at any CPL.' },
  { name: 'sldt', operands: [], result: 'number', operation: OP.instruction, documentation: 'SLDT: gives the selector of LDTR, at any CPL. #UD in real-address mode.' },
  { name: 'str', operands: [], result: 'number', operation: OP.instruction, documentation: 'STR: gives the selector of TR, at any CPL. #UD in real-address mode.' },
  { name: 'smsw', operands: [], result: 'number', operation: OP.instruction, documentation: 'SMSW: gives bits 15:0 of CR0, at any CPL, where MOV from CR0 is for CPL 0 alone.' },
];

const numbers: ReadonlyMap<string, number> = new Map(instructionRows.map(({ name }, index) => [name, index]));

/** Number of an instruction's row by its name. */
export function instructionNumber(name: string): number | undefined {
  return numbers.get(name);
}
