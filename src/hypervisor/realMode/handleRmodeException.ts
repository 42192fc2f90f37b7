import { OPERATION } from '../../hardware/paging/accessKinds';
import { RFLAGS } from '../../hardware/processor/controlRegisters';
import { REGISTER } from '../../hardware/processor/registers';
import { RESUME } from '../../hardware/processor/rootMode';
import { VMCS } from '../../hardware/vmx/vmcs';
import { CR_ACCESS } from '../../hardware/vmx/exitQualification';
import { injectException } from '../injection';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import type { RmodeOwner } from './rmodeListing';

const V = { vector: 0, error_code: 1 } as const;
const INVALID_OPCODE = 6;
const GENERAL_PROTECTION = 13;
/** Control registers whose MOV is the hypervisor's to do, by register. */
const controlRegisters = new Map<number, number>([[REGISTER.cr0, 0], [REGISTER.cr3, 3], [REGISTER.cr4, 4]]);

/** Handlers, by exit reason as it would be at CPL 0, of what a guest in virtual-8086 mode is refused. */
export interface RmodeEmulation<M> {
  /** Parameters: number of the control register, a `CR_ACCESS`. */
  readonly crAccess: ListingProcedure<M>;
  readonly halt: ListingProcedure<M>;
  readonly rdmsr: ListingProcedure<M>;
  readonly wrmsr: ListingProcedure<M>;
  /** Parameter: the linear address. */
  readonly invlpg: ListingProcedure<M>;
}

/** Gives a `RESUME`. */
export function handleRmodeException<M extends RmodeOwner>(emulation: RmodeEmulation<M>): ListingProcedure<M> {
  const call = (mmu: M, procedure: ListingProcedure<M>, ...parameters: readonly number[]): number => mmu.call(procedure, ...parameters);
  return {
    name: 'handle_rmode_exception',
    purpose: 'An exception in virtual-8086 mode: CPL 3 has been refused what real-address mode may do, or it is the guest\'s own.',
    values: [{ name: 'vector', kind: 'number' }, { name: 'error_code', kind: 'number' }],
    parameters: 2,
    body: [
      when('#GP(0) of a MOV to CR0, CR3 or CR4, or from CR3', (mmu, f) => isPrivileged(f) && (isWrite(mmu) && controlRegisters.has(mmu.processor.pending.register) || isReadOfCr3(mmu)), [
        give('handle_cr_access(control register, access type)', (mmu) => call(mmu, emulation.crAccess,
          controlRegisters.get(mmu.processor.pending.register)!, 0, isWrite(mmu) ? CR_ACCESS.movTo : CR_ACCESS.movFrom, 0)),
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
        give('to the guest, behind the instruction', RESUME.completed),
      ]),
      line('the guest\'s own: VM-entry interruption information = it', { writes: ['vmcs'] }, (mmu, f) => {
        injectException(mmu.processor, f.lo(V.vector), f.lo(V.error_code));
      }),
      give('to the guest, to whom it is delivered', RESUME.retry),
    ],
  };
}

function isPrivileged(f: ListingFrame): boolean {
  return f.lo(V.vector) === GENERAL_PROTECTION;
}

function is(mmu: RmodeOwner, operation: number): boolean {
  return mmu.processor.pending.operation === operation;
}

function isWrite(mmu: RmodeOwner): boolean {
  return is(mmu, OPERATION.writeRegister);
}

function isRead(mmu: RmodeOwner): boolean {
  return is(mmu, OPERATION.readRegister);
}

function isReadOfCr3(mmu: RmodeOwner): boolean {
  return isRead(mmu) && mmu.processor.pending.register === REGISTER.cr3;
}
