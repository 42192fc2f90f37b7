import { RFLAGS } from '../../hardware/processor/controlRegisters';
import { RESUME } from '../../hardware/processor/rootMode';
import { VMCS } from '../../hardware/vmx/vmcs';
import { injectGeneralProtection } from '../injection';
import { give, line, when, type ListingFrame, type ListingNode } from '../listing';
import { L1_MEMORY } from './guestHypervisorMemory';
import type { NestedMmu } from './nestedMmu';

/** CF, PF, AF, ZF, SF and OF, which every VMX instruction writes. SDM Vol. 3, "Conventions" of the VMX instruction reference. */
const OUTCOME_FLAGS = 0x8d5;

/** How an instruction of L1's ends. Gives a `RESUME`. */
export function vmsucceed(mmu: NestedMmu): number {
  return end(mmu, 0);
}

/** There is no current VMCS that could hold an error number. */
export function vmfailInvalid(mmu: NestedMmu): number {
  return end(mmu, RFLAGS.CF);
}

/** VMfailValid; `error`: a `VM_INSTRUCTION_ERROR`, which the VM-instruction error field of vmcs12 then has. */
export function vmfailValid(mmu: NestedMmu, error: number): number {
  mmu.mapVmcs12();
  mmu.vmcs12.set(VMCS.vm_instruction_error, error, 0);
  return end(mmu, RFLAGS.ZF);
}

/** VMfail: VMfailValid where there is a current VMCS, else VMfailInvalid. */
export function vmfail(mmu: NestedMmu, error: number): number {
  return mmu.state.current < 0 ? vmfailInvalid(mmu) : vmfailValid(mmu, error);
}

function end(mmu: NestedMmu, flag: number): number {
  mmu.setVmcs(VMCS.guest_rflags, (mmu.vmcs(VMCS.guest_rflags) & ~OUTCOME_FLAGS) | flag, 0);
  return RESUME.completed;
}

/** What each handler of an instruction begins with: the exit came before the processor had looked at the CPL. */
export const onlyAtCpl0: ListingNode<NestedMmu> = when('the CPL is above 0', (mmu) => mmu.processor.level !== 0, [
  line('VM-entry interruption information = #GP(0)', { writes: ['vmcs'] }, (mmu) => injectGeneralProtection(mmu.processor)),
  give('to L1, whose VM entry delivers the fault', RESUME.retry),
]);

/** … and those that need a current VMCS. */
export const needsCurrentVmcs: ListingNode<NestedMmu> = when('there is no current VMCS', (mmu) => mmu.state.current < 0, [
  give('VMfailInvalid', (mmu) => vmfailInvalid(mmu), { writes: ['vmcs'] }),
]);

/** `VMfail(…)` under a condition. */
export function failsWhen(text: string, error: number, test: (mmu: NestedMmu, f: ListingFrame) => boolean): ListingNode<NestedMmu> {
  return when(text, test, [give(`VMfail(${error})`, (mmu) => vmfail(mmu, error), { writes: ['vmcs', ...L1_MEMORY] })]);
}
