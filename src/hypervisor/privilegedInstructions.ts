import { OPERATION } from '../hardware/paging/accessKinds';
import { RFLAGS } from '../hardware/processor/controlRegisters';
import type { Processor } from '../hardware/processor/processor';
import { CONTROL_REGISTER_NUMBERS, REGISTER } from '../hardware/processor/registers';
import { RESUME } from '../hardware/processor/rootMode';
import { CR_ACCESS } from '../hardware/vmx/exitQualification';
import { VMCS } from '../hardware/vmx/vmcs';
import { give, line, when, type ListingFrame, type ListingNode, type ListingProcedure } from './listing';

/** Values of the procedure that has these lines: they come first. */
export const EXCEPTION = { vector: 0, error_code: 1 } as const;
const V = EXCEPTION;
const INVALID_OPCODE = 6;
const GENERAL_PROTECTION = 13;

/** A hypervisor that runs what believes to be at CPL 0 at CPL 3. */
export interface RefusedOwner {
  readonly processor: Processor;
  call(procedure: ListingProcedure<never>, ...parameters: readonly number[]): number;
}

/** Handlers, by exit reason as it would be at CPL 0, of what the guest is refused at CPL 3. */
export interface PrivilegedEmulation<M> {
  /** Parameters: number of the control register, a `CR_ACCESS`. */
  readonly crAccess: ListingProcedure<never>;
  readonly halt: ListingProcedure<never>;
  readonly rdmsr: ListingProcedure<never>;
  readonly wrmsr: ListingProcedure<never>;
  /** Parameter: the linear address. */
  readonly invlpg: ListingProcedure<never>;
  /** With RFLAGS.AC as STAC or CLAC sets it; left out: nothing hangs on it. */
  readonly alignmentCheck?: readonly ListingNode<M>[];
}

/**
 * Lines of a procedure with values `vector` and `error_code`: an exception by which CPL 3 was refused what CPL 0 may do, and the
 * instruction done in its place.
 */
export function privilegedInstructions<M extends RefusedOwner>(emulation: PrivilegedEmulation<M>): readonly ListingNode<M>[] {
  const call = (mmu: M, procedure: ListingProcedure<never>, ...parameters: readonly number[]): number => mmu.call(procedure, ...parameters);
  return [
    when('#GP(0) of a MOV to CR0, CR3 or CR4, or from CR3', (mmu, f) => isPrivileged(f) && (isWriteOfControls(mmu) || isReadOfCr3(mmu)), [
      give('handle_cr_access(control register, access type)', (mmu) => call(mmu, emulation.crAccess,
        CONTROL_REGISTER_NUMBERS.get(mmu.processor.pending.register)!, 0, isWrite(mmu) ? CR_ACCESS.movTo : CR_ACCESS.movFrom, 0)),
    ]),
    when('#GP(0) of a MOV from another control register', (mmu, f) => isPrivileged(f) && isRead(mmu) && mmu.processor.pending.register !== REGISTER.efer, [
      line('the register = what the guest has there', {}, ({ processor }) => {
        const { register } = processor.pending;
        processor.valueLo = processor.visibleLo(register);
        processor.valueHi = processor.registers[2 * register + 1]!;
      }),
      give('to the guest, behind the instruction', RESUME.completed),
    ]),
    when('#GP(0) of a MOV to CR2', (mmu, f) => isPrivileged(f) && isWrite(mmu) && mmu.processor.pending.register === REGISTER.cr2, [
      line('CR2 = the operand', { writes: ['registers'] }, ({ processor: { registers, pending } }) => {
        registers[2 * REGISTER.cr2] = pending.operandLo;
        registers[2 * REGISTER.cr2 + 1] = pending.operandHi;
      }),
      give('to the guest, behind the instruction', RESUME.completed),
    ]),
    when('#GP(0) of HLT', (mmu, f) => isPrivileged(f) && is(mmu, OPERATION.hlt), [give('kvm_emulate_halt()', (mmu) => call(mmu, emulation.halt))]),
    when('#GP(0) of RDMSR', (mmu, f) => isPrivileged(f) && (is(mmu, OPERATION.rdmsr) || isRead(mmu)), [give('kvm_emulate_rdmsr()', (mmu) => call(mmu, emulation.rdmsr))]),
    when('#GP(0) of WRMSR', (mmu, f) => isPrivileged(f) && (is(mmu, OPERATION.wrmsr) || isWrite(mmu) && mmu.processor.pending.register === REGISTER.efer), [
      give('kvm_emulate_wrmsr()', (mmu) => call(mmu, emulation.wrmsr)),
    ]),
    when('#GP(0) of INVLPG', (mmu, f) => isPrivileged(f) && is(mmu, OPERATION.invlpg), [
      give('handle_invlpg(its operand)', (mmu) => call(mmu, emulation.invlpg, mmu.processor.pending.gvaLo, mmu.processor.pending.gvaHi)),
    ]),
    when('#UD of STAC or CLAC', (mmu, f) => f.lo(V.vector) === INVALID_OPCODE && is(mmu, OPERATION.alignmentCheck), [
      line('RFLAGS.AC as the instruction sets it', { writes: ['vmcs'] }, ({ processor: { vmcs, pending } }) => {
        vmcs[VMCS.guest_rflags] = (vmcs[VMCS.guest_rflags]! & ~RFLAGS.AC) | pending.operandLo;
      }),
      ...emulation.alignmentCheck ?? [],
      give('to the guest, behind the instruction', RESUME.completed),
    ]),
  ];
}

/** It is #GP. */
export function isPrivileged(f: ListingFrame): boolean {
  return f.lo(V.vector) === GENERAL_PROTECTION;
}

export function is(mmu: RefusedOwner, operation: number): boolean {
  return mmu.processor.pending.operation === operation;
}

function isWrite(mmu: RefusedOwner): boolean {
  return is(mmu, OPERATION.writeRegister);
}

/** CR2 has a value and controls nothing. */
function isWriteOfControls(mmu: RefusedOwner): boolean {
  const { register } = mmu.processor.pending;
  return isWrite(mmu) && register !== REGISTER.cr2 && CONTROL_REGISTER_NUMBERS.has(register);
}

function isRead(mmu: RefusedOwner): boolean {
  return is(mmu, OPERATION.readRegister);
}

function isReadOfCr3(mmu: RefusedOwner): boolean {
  return isRead(mmu) && mmu.processor.pending.register === REGISTER.cr3;
}
