import { CR0, CR4 } from '../../hardware/processor/controlRegisters';
import { REGISTER } from '../../hardware/processor/registers';
import { RESUME } from '../../hardware/processor/rootMode';
import { VMCS } from '../../hardware/vmx/vmcs';
import { injectGeneralProtection } from '../injection';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import type { EptMmu } from './eptMmu';

const V = { cr: 0, value: 1 } as const;

/** Gives a `RESUME`. `name`: that of the procedure in its listing. */
const handleFixedBits = (name: string): ListingProcedure<EptMmu> => ({
  name,
  purpose: 'MOV to CR0 or CR4 that changes a bit which VMX fixes to 1: the guest finds it as it wrote it, the processor keeps its own.',
  values: [{ name: 'cr', kind: 'number' }, { name: 'value', kind: 'number' }],
  parameters: 1,
  body: [
    line('value = the operand of the instruction', {}, (mmu, f) => {
      f.set(V.value, mmu.processor.pending.operandLo, mmu.processor.pending.operandHi);
    }),
    when('the register does not take value', (mmu, f) => !takes(mmu, f), [
      line('VM-entry interruption information = #GP(0)', { writes: ['vmcs'] }, (mmu) => injectGeneralProtection(mmu.processor)),
      give('to the guest, whose VM entry delivers the fault', RESUME.retry),
    ]),
    when('it is a MOV to CR0', (_, f) => f.lo(V.cr) === 0, [
      line('CR0 read shadow: NE as value has it', { writes: ['vmcs'] }, (mmu, f) => setShadow(mmu, VMCS.cr0_read_shadow, CR0.NE, f.lo(V.value))),
    ]),
    when('it is a MOV to CR4', (_, f) => f.lo(V.cr) === 4, [
      line('CR4 read shadow: VMXE as value has it', { writes: ['vmcs'] }, (mmu, f) => setShadow(mmu, VMCS.cr4_read_shadow, CR4.VMXE, f.lo(V.value))),
    ]),
    give('to the guest: the MOV runs again, and the processor does what else it changes', RESUME.retry),
  ],
});

export const handleCrAccess = handleFixedBits('handle_cr_access');
/** Of a restricted guest, while it has paging on. */
export const handlePagedCrAccess = handleFixedBits('handle_paged_cr_access');

/** The exit comes before the processor has looked at the value. What VMX asks of it is no rule of the guest's own machine. */
function takes(mmu: EptMmu, f: ListingFrame): boolean {
  const register = f.lo(V.cr) === 0 ? REGISTER.cr0 : REGISTER.cr4;
  return mmu.processor.brokenRule(register, f.lo(V.value), f.hi(V.value)) === undefined;
}

function setShadow({ processor: { hypervisor } }: EptMmu, at: number, bit: number, value: number): void {
  const shadow = hypervisor.read(at);
  hypervisor.write(at, (shadow & ~bit) | (value & bit), hypervisor.hi);
}
