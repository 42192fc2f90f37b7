import { fieldWidth, isReadOnly, vmcsComponent, type VmcsComponent } from '../../hardware/vmx/vmcsEncoding';
import { VM_INSTRUCTION_ERROR } from '../../hardware/vmx/vmInstructionErrors';
import { fieldMasks } from '../../hardware/vmx/vmcsInstructions';
import { give, line, type ListingFrame, type ListingProcedure } from '../listing';
import { L1_MEMORY } from './guestHypervisorMemory';
import type { NestedMmu } from './nestedMmu';
import { failsWhen, needsCurrentVmcs, onlyAtCpl0, vmsucceed } from './vmxOutcome';

const V = { field: 0, value: 1 } as const;

/** VMREAD by L1. Gives a `RESUME`. */
export const handleVmread: ListingProcedure<NestedMmu> = {
  name: 'handle_vmread',
  purpose: 'VMREAD by L1 reads its VMCS as it lies in its memory, and not the one that the processor has.',
  values: [{ name: 'field', kind: 'number' }, { name: 'value', kind: 'number' }],
  parameters: 1,
  body: [
    onlyAtCpl0,
    needsCurrentVmcs,
    failsWhen('no field has that encoding', VM_INSTRUCTION_ERROR.unsupportedComponent, (_, f) => component(f) === undefined),
    line('value = vmcs12.field', {}, (mmu, f) => {
      const { at, part } = found(f);
      mmu.mapVmcs12();
      f.set(V.value, mmu.vmcs12.at(part === 'all' ? at : at + 1), part === 'all' ? mmu.vmcs12.at(at + 1) : 0);
    }),
    line('the register = value', {}, ({ processor: { pending } }, f) => {
      pending.valueLo = f.lo(V.value);
      pending.valueHi = f.hi(V.value);
    }),
    give('VMsucceed', (mmu) => vmsucceed(mmu), { writes: ['vmcs'] }),
  ],
};

/** VMWRITE by L1. Gives a `RESUME`. */
export const handleVmwrite: ListingProcedure<NestedMmu> = {
  name: 'handle_vmwrite',
  purpose: 'VMWRITE by L1 writes its VMCS as it lies in its memory; a narrow field takes the low bits of value.',
  values: [{ name: 'field', kind: 'number' }, { name: 'value', kind: 'number' }],
  parameters: 2,
  body: [
    onlyAtCpl0,
    needsCurrentVmcs,
    failsWhen('no field has that encoding', VM_INSTRUCTION_ERROR.unsupportedComponent, (_, f) => component(f) === undefined),
    failsWhen('the field is one of exit information', VM_INSTRUCTION_ERROR.readOnlyComponent, (_, f) => isReadOnly(found(f).field.encoding)),
    line('vmcs12.field = value', { writes: L1_MEMORY }, (mmu, f) => {
      const { at, part, field } = found(f);
      mmu.mapVmcs12();
      const [maskLo, maskHi] = fieldMasks[fieldWidth(field.encoding)];
      if (part === 'all') mmu.vmcs12.set(at, f.lo(V.value) & maskLo, f.hi(V.value) & maskHi);
      else mmu.vmcs12.set(at, mmu.vmcs12.at(at), f.lo(V.value));
    }),
    give('VMsucceed', (mmu) => vmsucceed(mmu), { writes: ['vmcs'] }),
  ],
};

function component(f: ListingFrame): VmcsComponent | undefined {
  return vmcsComponent(f.lo(V.field), f.hi(V.field));
}

function found(f: ListingFrame): VmcsComponent {
  const known = component(f);
  if (known === undefined) throw new Error('invariant: a VMCS field is read past the check that there is one');
  return known;
}
